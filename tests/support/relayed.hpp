// What the tests of the relay share.
#pragma once

#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <sigkit/mask.hpp>
#include <sigkit/unique_fd.hpp>

#include "relay.hpp"
#include "support/child.hpp"

namespace test {

using namespace sigkit;

// While stdout and stderr are replaced, nothing is checked, since nobody would see what failed:
// results are kept and checked afterwards, and what cannot go on throws.

inline constexpr std::size_t some_mib = std::size_t{5} << 20;

inline void require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

struct two_ends {
  unique_fd read;
  unique_fd write;
};

inline two_ends make_pipe() {
  std::array<int, 2> ends{};
  require(::pipe2(ends.data(), O_CLOEXEC) == 0, "pipe2");
  return {unique_fd(ends[0]), unique_fd(ends[1])};
}

inline two_ends make_sockets() {
  std::array<int, 2> ends{};
  require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0, "socketpair");
  return {unique_fd(ends[0]), unique_fd(ends[1])};
}

/// A terminal that changes nothing of what is written to it, of 33 lines and 77 columns. What is
/// written to the slave is read from the master, and the other way round where `reversed`.
inline two_ends make_terminal(bool reversed = false) {
  termios modes{};
  ::cfmakeraw(&modes);
  modes.c_cflag |= CS8 | CREAD;
  modes.c_cc[VMIN] = 1;
  const winsize size{33, 77, 0, 0};
  std::array<int, 2> ends{};
  require(::openpty(ends.data(), &ends[1], nullptr, &modes, &size) == 0, "openpty");
  return reversed ? two_ends{unique_fd(ends[1]), unique_fd(ends[0])}
                  : two_ends{unique_fd(ends[0]), unique_fd(ends[1])};
}

inline unique_fd open_file(const std::string& path, int flags = 0) {
  unique_fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600));
  require(file.has_value(), "open");
  return file;
}

inline std::string contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Appends what can be read now.
inline void take(const unique_fd& source, std::string& text) {
  std::vector<char> buffer(std::size_t{1} << 18);
  for (pollfd readable{source.get(), POLLIN, 0};
       ::poll(&readable, 1, 0) == 1 && (readable.revents & POLLIN) != 0;) {
    const ssize_t count = ::read(source.get(), buffer.data(), buffer.size());
    if (count <= 0) return;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

/// Bytes in an order that repeats late, so that a piece in the wrong place is seen.
inline std::string noise(std::size_t size, unsigned seed) {
  std::string text(size, '\0');
  for (char& byte : text) {
    seed = seed * 1664525 + 1013904223;
    byte = static_cast<char>(seed >> 24);
  }
  return text;
}

inline bool write_all(int descriptor, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t count = ::write(descriptor, text.data() + done, text.size() - done);
    if (count <= 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return true;
}

inline auto writes(int descriptor, const std::string& text) {
  return [descriptor, &text] { return write_all(descriptor, text) ? 0 : 1; };
}

[[noreturn]] inline void write_for_ever() {
  const std::string text(65536, 'y');
  for (;;)
    if (!write_all(1, text)) ::_exit(97);
}

/// This process's stdout and stderr are others while it lives; -1: closed.
class redirected {
public:
  redirected(int out, int err) {
    std::fflush(nullptr); // what doctest has said is for the place that was there before
    for (const int number : {1, 2})
      saved(number).reset(::fcntl(number, F_DUPFD_CLOEXEC, 20));
    replace(out, 1);
    replace(err, 2);
  }
  redirected(const redirected&) = delete;
  redirected& operator=(const redirected&) = delete;
  ~redirected() {
    for (const int number : {1, 2})
      ::dup2(saved(number).get(), number);
  }

private:
  unique_fd& saved(int number) { return saved_.at(static_cast<std::size_t>(number) - 1); }
  static void replace(int descriptor, int number) {
    if (descriptor < 0)
      ::close(number);
    else
      ::dup2(descriptor, number);
  }

  std::array<unique_fd, 2> saved_;
};

/// A relay with a command, which is a function in a process of its own.
class relayed {
public:
  relayed(int out, int err, relay_by how = relay_by::pipe)
      : redirected_(out, err), flags_(flags()), passing(how) {}
  relayed(const relayed&) = delete;
  relayed& operator=(const relayed&) = delete;
  ~relayed() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  template <class Command> void start(Command command) {
    pid_ = ::fork();
    require(pid_ >= 0, "fork");
    if (pid_ == 0) become(command);
    passing.started();
  }

  /// One turn of a loop that also waits until `reader` can read.
  void turn(int reader = -1) {
    std::vector<pollfd> sources{{reader, POLLIN, 0}};
    passing.add_sources(sources);
    // No descriptor tells that the command has ended: hence the short limit.
    ::poll(sources.data(), sources.size(), 10);
    if (passing.pump()) ++times_written_;
  }

  void turn_until(const std::function<bool()>& condition, int reader = -1) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
      require(std::chrono::steady_clock::now() < deadline, "it does not come to that");
      turn(reader);
    }
  }

  /// Turns until a pump() has said that the command has written.
  void turn_until_written() {
    const int before = times_written_;
    turn_until([&] { return times_written_ != before; });
  }

  bool ended() {
    if (pid_ > 0 && ::waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = 0;
    return pid_ == 0;
  }

  /// Turns until the command has ended and all that it wrote was passed on; its wait status.
  int finish() {
    turn_until([&] { return all_is_over(); });
    return status_;
  }

  /// The same, and reads at the other end.
  int finish(const unique_fd& reader, std::string& text) {
    turn_until(
        [&] {
          take(reader, text);
          return all_is_over();
        },
        reader.get());
    take(reader, text);
    return status_;
  }

  /// How many descriptors there are to wait for, and whether one waits for room.
  [[nodiscard]] std::pair<std::size_t, bool> waits() const {
    std::vector<pollfd> sources;
    passing.add_sources(sources);
    bool for_room = false;
    for (const pollfd& one : sources)
      if ((one.events & POLLOUT) != 0) for_room = true;
    return {sources.size(), for_room};
  }

  [[nodiscard]] bool flags_are_as_before() const { return flags() == flags_; }

private:
  template <class Command> [[noreturn]] void become(Command command) {
    for (const auto& [ours, number] : passing.for_command())
      if (ours < 3 || ::dup2(ours, number) < 0) ::_exit(98);
    passing.started();
    passing.close_sources();
    ::signal(SIGPIPE, SIG_DFL);
    pthread_sigmask(mask_change::unblock, signal_set{sigpipe});
    ::_exit(command());
  }
  bool all_is_over() { return ended() && !passing.has_writers() && passing.is_drained(); }
  static std::array<int, 2> flags() { return {::fcntl(1, F_GETFL), ::fcntl(2, F_GETFL)}; }

  const scoped_mask mask_{mask_change::block, signal_set{sigpipe}};
  redirected redirected_;
  std::array<int, 2> flags_;
  pid_t pid_ = 0;
  int status_ = -1;
  int times_written_ = 0;

public:
  relay passing;
};

struct passed_on {
  std::string text;
  int status;
  bool flags_as_before;
  int error;
};

/// What comes out of `ends` when a command writes `text` to its stdout.
inline passed_on pass(const two_ends& ends, const std::string& text,
                      relay_by how = relay_by::pipe) {
  relayed run(ends.write.get(), ends.write.get(), how);
  run.start(writes(1, text));
  passed_on result{};
  result.status = run.finish(ends.read, result.text);
  result.flags_as_before = run.flags_are_as_before();
  result.error = run.passing.first_error();
  return result;
}

inline void check_passes(const two_ends& ends, std::size_t size) {
  const std::string text = noise(size, 1);
  const passed_on result = pass(ends, text);
  CHECK(result.status == 0);
  CHECK(result.text.size() == text.size());
  CHECK((result.text == text));
  CHECK(result.flags_as_before);
  CHECK(result.error == 0);
}

/// A reader that stops holds up the command, and nothing else; then it reads all.
inline void check_slow_reader(const two_ends& ends, std::size_t size) {
  const std::string text = noise(size, 2);
  std::string read;
  std::pair<std::size_t, bool> waits;
  int status = -1;
  {
    relayed run(ends.write.get(), ends.write.get());
    run.start(writes(1, text));
    run.turn_until([&] { return run.passing.write_is_pending(); });
    for (int i = 0; i < 1000; ++i)
      run.passing.pump();
    waits = run.waits();
    status = run.finish(ends.read, read);
  }
  CHECK(waits == std::pair<std::size_t, bool>{1, true});
  CHECK(status == 0);
  CHECK((read == text));
}

inline void check_lost_reader(two_ends ends, bool while_it_waits) {
  int status = -1;
  int error = -1;
  bool drained = false;
  {
    const two_ends go = make_pipe();
    relayed run(ends.write.get(), ends.write.get());
    run.start([&] {
      ends.read.reset();
      char byte = 0;
      if (while_it_waits && ::read(go.read.get(), &byte, 1) != 1) return 96;
      write_for_ever();
    });
    if (!while_it_waits) run.turn_until([&] { return run.passing.write_is_pending(); });
    ends.read.reset();
    run.turn_until([&] { return run.waits().first == 0; });
    require(::write(go.write.get(), "g", 1) == 1, "write");
    status = run.finish();
    error = run.passing.first_error();
    drained = run.passing.is_drained();
  }
  CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE));
  CHECK(error == 0);
  CHECK(drained);
}

} // namespace test
