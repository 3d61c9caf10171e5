// What the tests of handlers share.
#pragma once

#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <future>
#include <string>
#include <vector>

#include <sigkit/sigkit.hpp>

#include "support/child.hpp"

namespace test {

using namespace sigkit;

struct pipe_ends {
  unique_fd read;
  unique_fd write;
};

inline pipe_ends make_pipe(int flags) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), flags | O_CLOEXEC) == 0);
  return {unique_fd(ends[0]), unique_fd(ends[1])};
}

/// A handler that appends what it was called with.
inline auto append_to(std::vector<signal_info>& calls) {
  return [&calls](signal_id signal, const signal_info& info) {
    CHECK(info.signal == signal);
    calls.push_back(info);
  };
}

inline constexpr auto do_nothing = [](signal_id, const signal_info&) {};

inline std::string bytes_in(int descriptor) {
  std::array<char, 64> text{};
  const ssize_t count = ::read(descriptor, text.data(), text.size());
  return {text.data(), static_cast<std::size_t>(count > 0 ? count : 0)};
}

/// Queues a value to this process. The thread sanitizer keeps one signal of a kind until some
/// system call that it knows: that is the poll.
inline void queue_to_self(signal_id signal, int value) {
  REQUIRE(queue(::getpid(), signal, value) == delivery::sent);
  ::poll(nullptr, 0, 0);
}

/// Runs `body` in a thread of its own and hands on what it throws.
template <class Body> void in_another_thread(Body body) {
  std::async(std::launch::async, body).get();
}

/// Checks that `body` throws an error with this code and, in its text, these words.
template <class Error = error, class Body>
void refused(Body body, std::errc code, const std::string& words) {
  try {
    body();
  } catch (const Error& why) {
    CHECK(why.code() == code);
    CHECK_MESSAGE(std::string(why.what()).find(words) != std::string::npos, why.what());
    return;
  }
  FAIL("accepted: ", words);
}

/// How a forked child ends that does this.
template <class Body> int status_of_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::_exit(body());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

} // namespace test
