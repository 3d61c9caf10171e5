#pragma once

#include <sys/types.h>

#include <string>

#include <sigkit/unique_fd.hpp>

namespace sigkit::apps {

/// A file whose first line is a PID. What is wrong with it is thrown, with a message that names it.
class pid_file {
public:
  explicit pid_file(std::string path);

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

  /// Throws where nobody holds a lock on it (fcntl(2) or flock(2)), or a living process does that
  /// is another one than the PID's. One that has ended has left its lock of flock(2) to a child.
  void check_lock() const;

private:
  [[noreturn]] void refuse(const std::string& why) const;
  [[nodiscard]] pid_t read_pid() const;
  void check_owner(pid_t owner) const;

  std::string path_;
  unique_fd file_;
  pid_t pid_;
};

} // namespace sigkit::apps
