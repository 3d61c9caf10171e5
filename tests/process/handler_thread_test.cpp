#include "support/handlers.hpp"

#include <signal.h>
#include <sys/select.h>

#include <atomic>
#include <stdexcept>
#include <thread>

using namespace test;
using namespace std::chrono_literals;

namespace {

/// Another thread raises `signal`, whose handler throws, until that has ended a read of a pipe that
/// nobody writes to: a signal in the gap before a system call is seen at the next one only.
template <class First> void check_read_is_ended_by(signal_id signal, First first) {
  const pipe_ends never_written = make_pipe(0);
  std::atomic<bool> begun = false;
  std::atomic<bool> over = false;
  set_handler(signal, [&](signal_id, const signal_info&) {
    if (!over.exchange(true)) throw std::runtime_error("out");
  });
  std::thread other([&] {
    test::eventually([&] { return begun.load(); });
    while (!over) {
      ::raise(signal.number());
      std::this_thread::sleep_for(1ms);
    }
  });
  char byte = 0;
  CHECK_THROWS_AS(retry([&] {
                    first();
                    begun = true;
                    return ::read(never_written.read.get(), &byte, 1);
                  }),
                  std::runtime_error);
  other.join();
  set_handler(signal, do_nothing);
}

} // namespace

TEST_CASE("handlers: only the main thread installs them and sets the wake-up descriptor") {
  in_another_thread([] {
    CHECK_FALSE(in_main_thread());
    refused([] { set_handler(sigusr1, do_nothing); }, std::errc::operation_not_permitted,
            "set_handler of signal USR1 outside the main thread");
    refused([] { set_wakeup_fd(-1); }, std::errc::operation_not_permitted,
            "set_wakeup_fd of descriptor -1 outside the main thread");
    CHECK(get_handler(sigusr1) == handler::by_default()); // asking is allowed
  });
  CHECK(in_main_thread());
}

TEST_CASE("handlers: signals that came in another thread are run in the main one") {
  std::atomic<int> calls = 0;
  set_handler(sigusr1, [&](signal_id, const signal_info&) {
    CHECK(in_main_thread());
    ++calls;
  });
  in_another_thread([&] {
    ::raise(SIGUSR1); // for this thread alone
    CHECK(dispatch() == 0);
    sleep_for(1ms);
    CHECK(calls == 0);
  });
  CHECK(calls == 0);
  CHECK(dispatch() == 1);
  CHECK(calls == 1);
}

TEST_CASE("handlers: one that comes in another thread ends the main thread's wait") {
  int calls = 0;
  set_handler(sigusr1, [&](signal_id, const signal_info&) { ++calls; });
  // Blocked here: the kernel has no choice but the other thread.
  const scoped_mask blocked(mask_change::block, {sigusr1, sigusr2});
  const auto raise_elsewhere = [] {
    pthread_sigmask(mask_change::unblock, {sigusr1});
    ::raise(SIGUSR1);
  };
  std::thread first(raise_elsewhere);
  sigkit::pause();
  first.join();
  CHECK(calls == 1);
  std::thread second([&] {
    raise_elsewhere();
    ::kill(::getpid(), SIGUSR2);
  });
  CHECK(sigwait({sigusr2}) == sigusr2);
  second.join();
  dispatch();
  CHECK(calls == 2);
}

TEST_CASE("handlers: one that comes in another thread interrupts the main thread's system call") {
  for (const signal_id signal : {sigusr1, real_time_min()})
    check_read_is_ended_by(signal, [] {});
}

TEST_CASE("handlers: calls are neither lost nor doubled when they interrupt system calls") {
  // Each signal goes to the other thread alone, and the next is sent when the first was handled.
  std::atomic<int> calls = 0;
  const signal_id signal = real_time_min();
  set_handler(signal, [&](signal_id, const signal_info&) { ++calls; });
  const pipe_ends pipe = make_pipe(0);
  constexpr int rounds = 300;
  std::thread other([&] {
    for (int round = 0; round < rounds; ++round) {
      while (::raise(signal.number()) != 0) // other processes may fill the queue
        std::this_thread::yield();
      test::eventually([&] { return calls > round; });
    }
    REQUIRE(::write(pipe.write.get(), "x", 1) == 1);
  });
  char byte = 0;
  timeval limit{};
  fd_set set;
  // A select that ends soon closes the gap that retry() has.
  while (retry([&] {
           FD_ZERO(&set);
           FD_SET(pipe.read.get(), &set);
           limit = {0, 2000};
           return ::select(pipe.read.get() + 1, &set, nullptr, nullptr, &limit);
         }) == 0) {
  }
  CHECK(::read(pipe.read.get(), &byte, 1) == 1);
  other.join();
  dispatch();
  CHECK(calls == rounds);
}

TEST_CASE("handlers: a system call within another one leaves that interruptible") {
  check_read_is_ended_by(sigusr1, [] { retry([] { return 0; }); });
}

TEST_CASE("handlers: a disposition may change in another thread during a system call") {
  // The signal that interrupts the main thread must not meet the default action.
  const pipe_ends pipe = make_pipe(0);
  const int status = status_of_child([&] {
    for (int round = 0; round < 200; ++round) {
      set_handler(sigusr1, do_nothing);
      std::thread other([&] {
        ::raise(SIGUSR1);
        set_default(sigusr1);
        if (::write(pipe.write.get(), "x", 1) != 1) ::_exit(2);
      });
      char byte = 0;
      retry([&] { return ::read(pipe.read.get(), &byte, 1); });
      other.join();
      dispatch();
    }
    return 0;
  });
  CHECK(status == 0);
}
