#include "support/handlers.hpp"

#include <signal.h>
#include <sys/select.h>
#include <sys/socket.h>

#include <array>
#include <thread>
#include <vector>

using namespace test;
using namespace std::chrono_literals;

TEST_CASE(
    "wake-up descriptor: bad, closed and blocking ones are refused, the one before returned") {
  refused([] { set_wakeup_fd(-2); }, std::errc::bad_file_descriptor, "descriptor -2");
  refused([] { set_wakeup_fd(987654); }, std::errc::bad_file_descriptor, "descriptor 987654");
  const pipe_ends blocking = make_pipe(0);
  refused([&] { set_wakeup_fd(blocking.write.get()); }, std::errc::invalid_argument,
          ", which blocks");
  const pipe_ends first = make_pipe(O_NONBLOCK);
  const pipe_ends second = make_pipe(O_NONBLOCK);
  CHECK(set_wakeup_fd(first.write.get()) == -1);
  CHECK(set_wakeup_fd(second.write.get()) == first.write.get());
  CHECK(set_wakeup_fd(-1) == second.write.get());
  CHECK(set_wakeup_fd(-1) == -1);
}

TEST_CASE("wake-up descriptor: one byte a signal, its number, in the order in which they came") {
  const pipe_ends pipe = make_pipe(O_NONBLOCK);
  set_wakeup_fd(pipe.write.get());
  set_handler(sigusr1, do_nothing);
  set_handler(sigusr2, do_nothing);
  set_handler(real_time_max(), do_nothing);
  const std::vector<signal_id> sent{sigusr2, sigusr1, sigusr1, real_time_max(), sigusr2};
  std::string expected;
  for (const signal_id signal : sent) {
    ::raise(signal.number());
    expected += static_cast<char>(signal.number());
  }
  CHECK(bytes_in(pipe.read.get()) == expected);
  CHECK(dispatch() == 3);
  set_wakeup_fd(-1);
  ::raise(SIGUSR1);
  CHECK(bytes_in(pipe.read.get()).empty());
}

TEST_CASE("wake-up descriptor: written before and during a select") {
  const pipe_ends pipe = make_pipe(O_NONBLOCK);
  set_wakeup_fd(pipe.write.get());
  set_handler(sigalrm, do_nothing);
  siginterrupt(sigalrm, false);
  const auto readable = [&] {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(pipe.read.get(), &set);
    timeval limit{20, 0};
    return ::select(pipe.read.get() + 1, &set, nullptr, nullptr, &limit);
  };
  ::raise(SIGALRM);
  CHECK(readable() == 1);
  CHECK(bytes_in(pipe.read.get()) == std::string(1, SIGALRM));
  std::thread other([] {
    CHECK(test::eventually([] { return read_process(::getpid())->state == 'S'; }));
    ::raise(SIGALRM); // in this thread: nothing interrupts the select but the byte
  });
  CHECK(readable() == 1);
  other.join();
  CHECK(dispatch() == 1);
}

TEST_CASE("wake-up descriptor: a write that fails is told, and the handler still runs") {
  pipe_ends pipe = make_pipe(O_NONBLOCK);
  int calls = 0;
  set_handler(sigusr1, [&](signal_id, const signal_info&) { ++calls; });
  set_wakeup_fd(pipe.write.get());
  CHECK_FALSE(take_wakeup_error());
  pipe.read.reset();
  ::raise(SIGUSR1); // SIGPIPE has its default action, and does not come
  CHECK(dispatch() == 1);
  CHECK(calls == 1);
  CHECK(take_wakeup_error() == std::errc::broken_pipe);
  CHECK_FALSE(take_wakeup_error());
  const int closed = pipe.write.get();
  pipe.write.reset();
  ::raise(SIGUSR1);
  CHECK(dispatch() == 1);
  CHECK(take_wakeup_error() == std::errc::bad_file_descriptor);
  CHECK(set_wakeup_fd(-1) == closed);
}

TEST_CASE("wake-up descriptor: a full one is told or not, as asked, and loses no call") {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const unique_fd reading(ends[0]);
  const unique_fd writing(ends[1]);
  const std::vector<char> much(1 << 16);
  while (::write(writing.get(), much.data(), much.size()) > 0) {
  }
  while (::write(writing.get(), much.data(), 1) > 0) {
  }
  const signal_id signal = real_time_min();
  set_handler(signal, do_nothing);
  set_wakeup_fd(writing.get());
  for (int i = 0; i < 10; ++i)
    ::raise(signal.number());
  CHECK(take_wakeup_error() == std::errc::resource_unavailable_try_again);
  CHECK(dispatch() == 10);
  set_wakeup_fd(writing.get(), false);
  ::raise(signal.number());
  CHECK_FALSE(take_wakeup_error());
  CHECK(dispatch() == 1);
}

TEST_CASE("handlers: a SIGPIPE that was pending before a write to the wake-up descriptor stays") {
  pipe_ends pipe = make_pipe(O_NONBLOCK);
  set_handler(sigusr1, do_nothing);
  set_wakeup_fd(pipe.write.get());
  const scoped_mask blocked(mask_change::block, {sigpipe});
  ::raise(SIGPIPE);
  pipe.read.reset();
  ::raise(SIGUSR1);
  CHECK(take_wakeup_error() == std::errc::broken_pipe);
  CHECK(sigtimedwait({sigpipe}, 0s));
}

TEST_CASE("handlers: errno is what it was after a signal was delivered") {
  const pipe_ends full = make_pipe(O_NONBLOCK);
  set_handler(sigusr1, do_nothing);
  set_wakeup_fd(full.write.get());
  const std::vector<char> much(1 << 20);
  while (::write(full.write.get(), much.data(), much.size()) > 0) {
  }
  errno = EDOM;
  ::raise(SIGUSR1); // the write in the handler fails with EAGAIN
  CHECK(errno == EDOM);
  CHECK(take_wakeup_error() == std::errc::resource_unavailable_try_again);
  errno = ERANGE;
  in_another_thread([] {
    errno = EDOM;
    ::raise(SIGUSR1);
    CHECK(errno == EDOM);
  });
}
