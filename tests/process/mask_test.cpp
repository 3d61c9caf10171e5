#include <doctest/doctest.h>

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <sigkit/disposition.hpp>
#include <sigkit/error.hpp>
#include <sigkit/mask.hpp>
#include <sigkit/wait.hpp>

using namespace sigkit;
using namespace std::chrono_literals;

TEST_CASE("a scoped mask restores exactly what was there") {
  pthread_sigmask(mask_change::set, {sigusr1});
  {
    const scoped_mask inner(mask_change::block, {sigusr2});
    CHECK(inner.previous() == signal_set{sigusr1});
    CHECK(pthread_sigmask(mask_change::block, {}) == signal_set{sigusr1, sigusr2});
  }
  CHECK(pthread_sigmask(mask_change::block, {}) == signal_set{sigusr1});
}

TEST_CASE("the whole set may be blocked and restored") {
  const signal_set before = pthread_sigmask(mask_change::set, signal_set::all());
  const signal_set all = pthread_sigmask(mask_change::set, before);
  CHECK(all == signal_set::changeable());
  CHECK(pthread_sigmask(mask_change::block, {}) == before);
}

TEST_CASE("a blocked signal is pending until it is taken") {
  const scoped_mask blocked(mask_change::block, {sigusr1});
  ::raise(SIGUSR1);
  CHECK(sigpending().contains(sigusr1));
  const signal_info info = sigwaitinfo({sigusr1});
  CHECK(info.signal == sigusr1);
  CHECK(info.pid == ::getpid());
  CHECK(info.uid == ::getuid());
  CHECK(code_name(info) == "SI_USER"); // as glibc has it, although raise(3) is tgkill(2)
  CHECK_FALSE(sigpending().contains(sigusr1));
}

TEST_CASE("a queued value comes with its signal, in order") {
  const signal_id signal = real_time_min();
  const scoped_mask blocked(mask_change::block, {signal});
  for (int value = 1; value <= 3; ++value)
    ::sigqueue(::getpid(), signal.number(), {value});
  for (int value = 1; value <= 3; ++value) {
    const auto info = sigtimedwait({signal}, 1s);
    REQUIRE(info);
    CHECK(info->value == value);
    CHECK(code_name(*info) == "SI_QUEUE");
  }
}

TEST_CASE("a wait that is given no time only looks") {
  const scoped_mask blocked(mask_change::block, {sigusr1});
  CHECK_FALSE(sigtimedwait({sigusr1}, 0s));
  ::raise(SIGUSR1);
  CHECK(sigtimedwait({sigusr1}, 0s));
}

TEST_CASE("a wait of negative length is refused") {
  CHECK_THROWS_AS(static_cast<void>(sigtimedwait({sigusr1}, -1ns)), error);
}

namespace {
int alarms = 0;
}

TEST_CASE("a wait that another signal interrupts goes on for the time that is left") {
  struct sigaction action {};
  action.sa_handler = [](int) { ++alarms; };
  ::sigaction(SIGALRM, &action, nullptr);
  const scoped_mask blocked(mask_change::block, {sigusr1});
  const itimerval timer{{0, 10'000}, {0, 10'000}};
  ::setitimer(ITIMER_REAL, &timer, nullptr);
  const auto start = std::chrono::steady_clock::now();
  CHECK_FALSE(sigtimedwait({sigusr1}, 100ms));
  CHECK(std::chrono::steady_clock::now() - start >= 100ms);
  CHECK(alarms > 1);
}

TEST_CASE("a disposition is set and asked for") {
  CHECK(get_disposition(sigusr1) == disposition::by_default);
  set_ignored(sigusr1);
  CHECK(get_disposition(sigusr1) == disposition::ignored);
  ::raise(SIGUSR1);
  ::signal(SIGUSR1, [](int) {});
  CHECK(get_disposition(sigusr1) == disposition::caught);
  set_default(sigusr1);
  CHECK(get_disposition(sigusr1) == disposition::by_default);
}

TEST_CASE("a disposition that cannot be changed is refused with what was tried") {
  try {
    set_ignored(sigkill);
    FAIL("accepted");
  } catch (const error& refused) {
    CHECK(refused.code() == std::errc::invalid_argument);
    CHECK(std::string(refused.what()) == "sigaction(2) of signal KILL: Invalid argument");
  }
  CHECK_THROWS_AS(set_default(sigstop), error);
  CHECK_THROWS_AS(static_cast<void>(get_disposition(signal_id(0))), error);
  CHECK_THROWS_AS(set_ignored(signal_id(65)), error);
}
