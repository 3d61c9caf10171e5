#pragma once

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include <sigkit/process.hpp>
#include <sigkit/signal_set.hpp>

#include "support/child.hpp"

namespace test {

/// The child of a test that says when it is ready, and is killed at the end.
class helper {
public:
  explicit helper(const std::function<void()>& live) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ready_ = ends[1];
      live();
      ::_exit(0);
    }
    ::close(ends[1]);
    char byte = 0;
    REQUIRE(::read(ends[0], &byte, 1) == 1);
    ::close(ends[0]);
  }
  helper(const helper&) = delete;
  helper& operator=(const helper&) = delete;
  ~helper() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  static void say_ready() {
    if (::write(ready_, "", 1) != 1) ::_exit(1);
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

private:
  static inline int ready_ = -1;
  pid_t pid_ = -1;
};

/// While it makes a thread, the C library has blocked everything in the first one.
inline bool comes_to_block(pid_t pid, sigkit::signal_set set) {
  return eventually([=] { return sigkit::read_status(pid)->blocked == set; });
}

inline constexpr const char* own_threads = "the thread sanitizer has threads of its own";

[[noreturn]] inline void wait_for_ever() {
  for (;;)
    ::pause();
}

inline bool comes_to(pid_t pid, char state) {
  return eventually([=] {
    const auto facts = sigkit::read_process(pid);
    return facts && facts->state == state;
  });
}

} // namespace test
