#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <future>
#include <map>
#include <thread>

#include <sigkit/sigkit.hpp>

#include "support/child.hpp"
#include "support/handlers.hpp"
#include "support/timing.hpp"

using namespace sigkit;
using namespace std::chrono_literals;
using test::do_nothing;

namespace {

/// The state of a thread of this process, as /proc has it.
char state_of(pid_t thread) {
  for (const process_status& one : read_threads(::getpid()))
    if (one.id == thread) return one.state;
  return '?';
}

} // namespace

TEST_CASE("waits: they go on for the time that is left after each handler") {
  int calls = 0;
  set_handler(sigalrm, [&](signal_id, const signal_info&) { ++calls; });
  pthread_sigmask(mask_change::block, {sigusr1});
  test::child sleeper({"/bin/sleep", "1000"});
  const auto held = pidfd::open(sleeper.pid());
  REQUIRE(held);
  const auto lasts = [&](auto wait) {
    calls = 0;
    setitimer(itimer::real, 5ms, 5ms);
    const test::stopwatch watch;
    wait();
    CHECK_FALSE(watch.less_than(100ms));
    setitimer(itimer::real, 0s);
    CHECK(calls > 2);
  };
  lasts([] { sleep_for(100ms); });
  lasts([] { CHECK_FALSE(sigtimedwait({sigusr1}, 100ms)); });
  lasts([&] { CHECK_FALSE(held->wait(100ms)); });
}

TEST_CASE("waits: without handlers, interruptions are passed over too") {
  struct sigaction action {};
  static int foreign_calls = 0;
  action.sa_handler = [](int) { ++foreign_calls; };
  ::sigaction(SIGALRM, &action, nullptr);
  setitimer(itimer::real, 5ms, 5ms);
  const test::stopwatch watch;
  sleep_for(50ms);
  CHECK_FALSE(sigtimedwait({sigusr1}, 50ms));
  CHECK_FALSE(watch.less_than(100ms));
  setitimer(itimer::real, 0s);
  CHECK(foreign_calls > 1);
}

TEST_CASE("waits: negative times are refused, 0 only looks") {
  set_handler(sigalrm, do_nothing);
  CHECK_THROWS_WITH_AS(sleep_for(-1ns), "a sleep of a negative time: Invalid argument", error);
  CHECK_THROWS_WITH_AS(static_cast<void>(sigtimedwait({sigusr1}, -1ns)),
                       "sigtimedwait(2) of a negative time: Invalid argument", error);
  const auto self = pidfd::open(::getpid());
  CHECK_THROWS_AS(static_cast<void>(self->wait(-1ns)), error);
  pthread_sigmask(mask_change::block, {sigusr1});
  CHECK_FALSE(sigtimedwait({sigusr1}, 0s));
  ::raise(SIGUSR1);
  CHECK(sigtimedwait({sigusr1}, 0s)->signal == sigusr1);
  CHECK_FALSE(self->wait(0s));
  sleep_for(0s);
}

TEST_CASE("waits: sigwait, sigwaitinfo and sigtimedwait take what is pending, and call nobody") {
  int calls = 0;
  set_handler(sigusr1, [&](signal_id, const signal_info&) { ++calls; });
  pthread_sigmask(mask_change::block, {sigusr1, sigusr2});
  ::kill(::getpid(), SIGUSR1);
  CHECK(sigwait({sigusr1, sigusr2}) == sigusr1);
  queue(::getpid(), sigusr1, 42);
  CHECK(sigwaitinfo({sigusr1}).value == 42);
  queue(::getpid(), sigusr2, 43);
  CHECK(sigtimedwait({sigusr1, sigusr2}, never)->value == 43);
  CHECK(calls == 0);
  CHECK(sigpending().empty());
}

TEST_CASE("waits: a signal that tells of a descriptor has its events, whatever signal it is") {
  for (const signal_id signal : {sigio, sigusr1, sigchld, sigtrap, real_time_min()}) {
    CAPTURE(signal.name());
    const scoped_mask blocked(mask_change::block, {signal});
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const unique_fd reading(ends[0]);
    const unique_fd writing(ends[1]);
    REQUIRE(::fcntl(reading.get(), F_SETOWN, ::getpid()) == 0);
    REQUIRE(::fcntl(reading.get(), F_SETSIG, signal.number()) == 0);
    REQUIRE(::fcntl(reading.get(), F_SETFL, O_ASYNC | O_NONBLOCK) == 0);
    REQUIRE(::write(writing.get(), "x", 1) == 1);
    const auto info = sigtimedwait({signal}, 20s);
    REQUIRE(info);
    CHECK((info->band & POLLIN) != 0);
    CHECK(info->pid == 0);
    CHECK(info->value == 0);
    CHECK(code_name(*info) ==
          (signal_set{sigchld, sigtrap}.contains(signal) ? "SI_SIGIO" : "POLL_IN"));
    REQUIRE(::fcntl(reading.get(), F_SETFL, O_NONBLOCK) == 0);
  }
}

TEST_CASE("waits: a signalfd of the program's own tells the same as a wait") {
  const signal_set awaited{sigusr1, sigchld, real_time_min()};
  const scoped_mask blocked(mask_change::block, awaited);
  const sigset_t native = awaited.to_sigset();
  const unique_fd descriptor(::signalfd(-1, &native, SFD_CLOEXEC | SFD_NONBLOCK));
  const auto raise_all = [] {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(3);
    ::waitpid(child, nullptr, 0);
    ::kill(::getpid(), SIGUSR1);
    CHECK(queue(::getpid(), real_time_min(), 42) == delivery::sent);
    return child;
  };
  pid_t child = raise_all();
  std::map<signal_id, signal_info> waited;
  while (const auto info = sigtimedwait(awaited, 0s))
    waited[info->signal] = *info;
  CHECK(waited.size() == 3);
  CHECK(waited[sigchld].pid == child);
  CHECK(waited[sigchld].status == 3);
  child = raise_all();
  signalfd_siginfo read{};
  for (int i = 0; i < 3; ++i) {
    REQUIRE(::read(descriptor.get(), &read, sizeof read) == sizeof read);
    const signal_info info = signal_info::from(read);
    CAPTURE(info.signal.name());
    if (info.signal == sigchld) waited[sigchld].pid = child;
    CHECK(info == waited[info.signal]);
  }
}

TEST_CASE("waits: what comes during the wait is taken, and other signals are handled") {
  int calls = 0;
  set_handler(sigusr1, [&](signal_id, const signal_info&) { ++calls; });
  pthread_sigmask(mask_change::block, {sigusr2});
  const pid_t main_thread = ::gettid();
  std::thread other([&] {
    pthread_sigmask(mask_change::block, {sigusr1, sigusr2});
    test::eventually([&] { return state_of(main_thread) == 'S'; });
    ::kill(::getpid(), SIGUSR1);
    test::eventually([&] { return sigpending().empty() && state_of(main_thread) == 'S'; });
    ::kill(::getpid(), SIGUSR2);
  });
  CHECK(sigwaitinfo({sigusr2}).signal == sigusr2);
  other.join();
  CHECK(calls == 1);
}

TEST_CASE("waits: a pause is over when a handler was called, be it at once") {
  int calls = 0;
  set_handler(sigusr1, [&](signal_id, const signal_info&) { ++calls; });
  ::raise(SIGUSR1);
  sigkit::pause();
  CHECK(calls == 1);
  std::thread other([main_thread = ::gettid()] {
    pthread_sigmask(mask_change::block, {sigusr1});
    test::eventually([&] { return state_of(main_thread) == 'S'; });
    ::kill(::getpid(), SIGUSR1);
  });
  sigkit::pause();
  other.join();
  CHECK(calls == 2);
}

TEST_CASE("waits: a pause is over after a handler of somebody else too") {
  set_handler(sigusr1, do_nothing); // the library's own way to wait is in use
  ::signal(SIGALRM, [](int) {});
  setitimer(itimer::real, 20ms, 20ms);
  sigkit::pause();
  setitimer(itimer::real, 0s);
}

TEST_CASE("waits: one thread that waits leaves the others running") {
  set_handler(sigusr1, do_nothing);
  pthread_sigmask(mask_change::block, {sigusr2});
  std::atomic<pid_t> waiter = 0;
  std::thread other([&] {
    waiter = ::gettid();
    CHECK(sigwait({sigusr2}) == sigusr2);
  });
  CHECK(test::eventually([&] { return waiter != 0 && state_of(waiter) == 'S'; }));
  int sum = 0;
  for (int i = 0; i < 1000; ++i)
    sum += i;
  CHECK(sum == 499500);
  CHECK(send_thread(::getpid(), waiter, sigusr2) == delivery::sent);
  other.join();
}

TEST_CASE("waits: a pause in another thread ends when that thread got a signal") {
  std::atomic<int> calls = 0;
  set_handler(sigusr1, [&](signal_id, const signal_info&) {
    CHECK(in_main_thread());
    ++calls;
  });
  std::atomic<pid_t> waiter = 0;
  std::thread other([&] {
    waiter = ::gettid();
    sigkit::pause();
  });
  CHECK(test::eventually([&] { return waiter != 0 && state_of(waiter) == 'S'; }));
  CHECK(send_thread(::getpid(), waiter, sigusr1) == delivery::sent);
  other.join();
  CHECK(calls == 0);
  CHECK(dispatch() == 1);
}

TEST_CASE("waits: no descriptor stays open") {
  set_handler(sigusr1, do_nothing);
  const unique_fd before(::dup(0));
  sleep_for(1ms);
  CHECK_FALSE(sigtimedwait({sigchld}, 1ms));
  const unique_fd after(::dup(0));
  CHECK(after.get() == before.get() + 1);
}

TEST_CASE(
    "waits: they end in time, and see what is ready, although handlers are due all the time") {
  int calls = 0;
  set_handler(sigusr1, [&](signal_id self, const signal_info&) {
    ++calls;
    ::raise(self.number());
  });
  ::raise(SIGUSR1);
  sleep_for(20ms);
  pthread_sigmask(mask_change::block, {sigusr2});
  CHECK_FALSE(sigtimedwait({sigusr2}, 20ms));
  ::raise(SIGUSR2);
  CHECK(sigwait({sigusr2}) == sigusr2);
  test::child ended({"/bin/true"});
  const auto held = pidfd::open(ended.pid());
  ended.finish();
  CHECK(held->wait(0s));
  CHECK(held->wait(never));
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  CHECK(retry([&] { return ::write(ends[1], "x", 1); }) == 1);
  CHECK(calls > 4);
  set_handler(sigusr1, handler::ignored());

  std::string shell = "/bin/sh", option = "-c", script = "sleep 1000";
  char* const argv[] = {shell.data(), option.data(), script.data(), nullptr};
  supervise_options options;
  options.limit = 50ms;
  set_handler(sigcont, [](signal_id self, const signal_info&) { ::raise(self.number()); });
  ::raise(SIGCONT);
  CHECK(supervisor(options).run(argv).how == outcome::timed_out);
  set_handler(sigcont, handler::by_default());
}

TEST_CASE("waits: a descriptor that is closed is an error") {
  auto held = pidfd::open(::getpid());
  ::close(held->descriptor());
  CHECK_THROWS_AS(static_cast<void>(held->wait(0s)), error);
  const pidfd taken = std::move(*held);
  CHECK_THROWS_AS(held->send(signull), error);
}
