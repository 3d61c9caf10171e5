#include <doctest/doctest.h>

#include <time.h>
#include <unistd.h>

#include <sigkit/sigkit.hpp>

#include "support/timing.hpp"

using namespace sigkit;
using namespace std::chrono_literals;

TEST_CASE("timers: values come back, and 0 switches off") {
  CHECK(setitimer(itimer::real, 100s, 7s) == itimer_value{});
  const itimer_value value = getitimer(itimer::real);
  CHECK(value.delay > 90s);
  CHECK(value.delay <= 100s);
  CHECK(value.interval == 7s);
  const itimer_value previous = setitimer(itimer::real, 0s);
  CHECK(previous.delay > 90s);
  CHECK(previous.interval == 7s);
  CHECK(getitimer(itimer::real) == itimer_value{});
}

TEST_CASE("timers: one that is none and negative times are itimer_error, a kind of system_error") {
  const auto none = static_cast<itimer>(77);
  CHECK_THROWS_WITH_AS(setitimer(none, 1s),
                       "setitimer(2) of a timer that is none: Invalid argument", itimer_error);
  CHECK_THROWS_AS(static_cast<void>(getitimer(none)), itimer_error);
  CHECK_THROWS_WITH_AS(setitimer(itimer::real, -1ns),
                       "setitimer(2) of ITIMER_REAL with a negative time: Invalid argument",
                       itimer_error);
  CHECK_THROWS_AS(setitimer(itimer::profiling, 1s, -1ns), itimer_error);
  CHECK_THROWS_WITH_AS(sigkit::alarm(-1s), "alarm(2) of -1 s: Invalid argument", itimer_error);
  CHECK_THROWS_AS(sigkit::alarm(std::chrono::hours(10'000'000)), itimer_error);
  try {
    setitimer(none, 1s);
  } catch (const std::system_error& refused) {
    CHECK(refused.code() == std::errc::invalid_argument);
  }
  CHECK(getitimer(itimer::real) == itimer_value{});
}

TEST_CASE("timers: what is not 0 is not rounded to it") {
  for (const duration length : {duration(1ns), duration(1us), duration(999ns)}) {
    setitimer(itimer::virtual_time, 0s);
    int alarms = 0;
    const scoped_handler set(sigalrm, [&](signal_id, const signal_info&) { ++alarms; });
    setitimer(itimer::real, length);
    sigkit::pause();
    CHECK(alarms == 1);
  }
  setitimer(itimer::virtual_time, 100s - 1ns); // rounded up over the second
  CHECK(getitimer(itimer::virtual_time).delay > 99s);
  CHECK(setitimer(itimer::virtual_time, never, never).delay > 99s);
  CHECK(getitimer(itimer::virtual_time).delay > std::chrono::hours(24 * 365 * 99));
  setitimer(itimer::virtual_time, 0s);
}

TEST_CASE("timers: alarm comes once, and says what was left of the one before") {
  int calls = 0;
  const scoped_handler set(sigalrm, [&](signal_id, const signal_info& info) {
    ++calls;
    CHECK(code_name(info) == "SI_KERNEL");
  });
  CHECK(sigkit::alarm(100s) == 0s);
  CHECK(sigkit::alarm(50s) > 98s);
  CHECK(sigkit::alarm(0s) > 48s);
  CHECK(sigkit::alarm(0s) == 0s);
  sigkit::alarm(1s);
  sigkit::pause();
  CHECK(calls == 1);
}

TEST_CASE("timers: those of processor time repeat until their own handler switches them off") {
  for (const auto& [timer, signal] :
       {std::pair{itimer::virtual_time, sigvtalrm}, std::pair{itimer::profiling, sigprof}}) {
    int calls = 0;
    const itimer which = timer;
    const scoped_handler set(signal, [&](signal_id, const signal_info&) {
      if (++calls == 4) setitimer(which, 0s);
    });
    setitimer(which, 10ms, 5ms);
    const test::stopwatch watch;
    while (getitimer(which) != itimer_value{} && watch.less_than(20s))
      dispatch();
    CHECK(calls == 4);
    CHECK(getitimer(which) == itimer_value{});
    dispatch();
    CHECK(calls == 4);
  }
}

TEST_CASE("timers: of 10,000 in a row none is lost") {
  int calls = 0;
  const scoped_handler set(sigalrm, [&](signal_id, const signal_info&) { ++calls; });
  constexpr int wanted = 10'000;
  for (int expected = 1; expected <= wanted; ++expected) {
    setitimer(itimer::real, 1us);
    sigkit::pause();
    REQUIRE(calls == expected);
  }
}

TEST_CASE("timers: of 10,000 that a handler starts, each beside another signal, none is lost") {
  int alarms = 0;
  int others = 0;
  const scoped_handler alarm_set(sigalrm, [&](signal_id, const signal_info&) { ++alarms; });
  const scoped_handler other_set(sigusr2, [&](signal_id, const signal_info&) { ++others; });
  const scoped_handler starts(sigusr1, [](signal_id, const signal_info&) {
    setitimer(itimer::real, 1us);
    ::raise(SIGUSR2);
  });
  constexpr int wanted = 10'000;
  for (int expected = 1; expected <= wanted; ++expected) {
    ::raise(SIGUSR1);
    while (alarms < expected || others < expected)
      sigkit::pause();
    REQUIRE(alarms == expected);
    REQUIRE(others == expected);
  }
}
