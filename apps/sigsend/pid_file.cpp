#include "sigsend/pid_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <stdexcept>
#include <string_view>

#include <sigkit/unique_fd.hpp>

#include "common/message.hpp"

namespace sigkit::apps {

namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw std::runtime_error("pid file " + quoted(path) + ": " + why);
}

pid_t to_pid(const std::string& path, std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const std::size_t start = text.find_first_not_of(space);
  if (start == std::string_view::npos) refuse(path, "it is empty");
  text.remove_prefix(start);
  text = text.substr(0, text.find_last_not_of(space) + 1);
  pid_t pid = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, failed] = std::from_chars(text.data(), end, pid);
  if (failed != std::errc{} || rest != end || pid <= 0)
    refuse(path, "there is no process id in it");
  return pid;
}

/// A lock of flock(2) can be asked for only by trying to get it, for an instant.
void check_lock(const std::string& path, const unique_fd& file, pid_t pid) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(file.get(), F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) {
    if (lock.l_pid > 0 && lock.l_pid != pid)
      refuse(path, "process " + std::to_string(lock.l_pid) + " holds the lock, not " +
                       std::to_string(pid));
    return;
  }
  if (::flock(file.get(), LOCK_SH | LOCK_NB) == 0)
    refuse(path, "nobody holds a lock on it: it is stale");
  if (errno != EWOULDBLOCK) refuse(path, std::strerror(errno));
}

} // namespace

pid_t read_pid_file(const std::string& path, bool locked) {
  // A pipe or a device must not be waited for.
  const unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.has_value()) refuse(path, std::strerror(errno));
  std::array<char, 64> text{};
  const ssize_t size = ::read(file.get(), text.data(), text.size());
  if (size < 0) refuse(path, std::strerror(errno));
  if (size == static_cast<ssize_t>(text.size())) refuse(path, "there is no process id in it");
  const pid_t pid = to_pid(path, {text.data(), static_cast<std::size_t>(size)});
  if (locked) check_lock(path, file, pid);
  return pid;
}

} // namespace sigkit::apps
