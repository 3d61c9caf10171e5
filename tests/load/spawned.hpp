// Programs started by the thousand, and whether anything is left of them.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include <sigkit/exit_status.hpp>
#include <sigkit/unique_fd.hpp>

#include "support/child.hpp"

namespace test {

/// The number in this variable of the environment, or `usual`.
inline int number_from(const char* variable, int usual) {
  const char* const text = std::getenv(variable);
  const long number = text != nullptr ? std::strtol(text, nullptr, 10) : 0;
  return number > 0 ? static_cast<int>(number) : usual;
}

/// One program that runs: it and all that it starts have a pipe open, so that it is seen when none
/// of them is left. When this is made the program has been executed.
class spawned {
public:
  explicit spawned(const std::vector<std::string>& words) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    read_end_.reset(ends[0]);
    const sigkit::unique_fd write_end(ends[1]);
    std::vector<char*> pointers;
    for (const std::string& word : words)
      pointers.push_back(const_cast<char*>(word.c_str()));
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDIN_FILENO);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    // doctest's own handlers
    sigset_t all;
    ::sigfillset(&all);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    const int failed =
        ::posix_spawnp(&pid_, pointers[0], &actions, &attributes, pointers.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    if (failed != 0) throw std::runtime_error("posix_spawn: " + std::to_string(failed));
  }
  spawned(const spawned&) = delete;
  spawned& operator=(const spawned&) = delete;
  ~spawned() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  [[nodiscard]] pid_t pid() const { return pid_; }

  /// Waits for its end.
  sigkit::exit_status end() {
    int status = 0;
    if (::waitpid(pid_, &status, 0) != pid_) throw std::runtime_error("waitpid");
    pid_ = -1;
    return *sigkit::exit_status::from_wait_status(status);
  }

  /// How it has ended, where it has.
  std::optional<sigkit::exit_status> ended() {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    pid_ = -1;
    return sigkit::exit_status::from_wait_status(status);
  }

  /// Whether something that it has started is there, and does not end soon.
  [[nodiscard]] bool left_something() const {
    pollfd end{read_end_.get(), 0, 0};
    return ::poll(&end, 1, 20000) != 1;
  }

private:
  pid_t pid_ = -1;
  sigkit::unique_fd read_end_;
};

} // namespace test
