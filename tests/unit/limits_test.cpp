#include <doctest/doctest.h>

#include "limits.hpp"

using namespace sigkit;
using namespace std::chrono_literals;

namespace {
const auto start = sys::clock::time_point{} + 1000h;

supervise_options with_limit(duration limit) {
  supervise_options options;
  options.limit = limit;
  return options;
}
} // namespace

TEST_CASE("a limit is reached once, at its time") {
  limits clock(with_limit(10s));
  clock.start(start);
  CHECK(clock.due() == start + 10s);
  CHECK(clock.left(start + 4s) == 6s);
  CHECK(clock.elapsed(start + 4s) == 4s);
  CHECK_FALSE(clock.take_reached(start + 9s));
  CHECK(clock.take_reached(start + 10s) == outcome::timed_out);
  CHECK_FALSE(clock.take_reached(start + 11s));
  CHECK_FALSE(clock.left(start + 11s));
}

TEST_CASE("no limit, and one that never comes, are never reached") {
  for (const duration length : {duration(0), never}) {
    limits clock(with_limit(length));
    clock.start(start);
    CHECK_FALSE(clock.take_reached(start + 1'000'000h));
  }
}

TEST_CASE("a warning comes once, so long before the limit, or at the start") {
  supervise_options options = with_limit(10s);
  options.warn = 3s;
  limits clock(options);
  clock.start(start);
  CHECK(clock.due() == start + 7s);
  CHECK_FALSE(clock.take_warning(start + 6s));
  CHECK(clock.take_warning(start + 7s));
  CHECK_FALSE(clock.take_warning(start + 8s));
  options.warn = 60s;
  limits late(options);
  late.start(start);
  CHECK(late.take_warning(start));
  options.limit = 0s;
  limits without(options);
  without.start(start);
  CHECK_FALSE(without.take_warning(start + 1000h));
}

TEST_CASE("a heartbeat comes again and again, and what was missed is not made up for") {
  supervise_options options;
  options.heartbeat = 10s;
  limits clock(options);
  clock.start(start);
  CHECK_FALSE(clock.take_heartbeat(start + 9s));
  CHECK(clock.take_heartbeat(start + 10s));
  CHECK_FALSE(clock.take_heartbeat(start + 19s));
  CHECK(clock.take_heartbeat(start + 45s));
  CHECK(clock.due() == start + 50s);
}

TEST_CASE("the nearer of the two limits names the outcome") {
  supervise_options options = with_limit(3600s);
  options.until = std::chrono::system_clock::now() + 60s;
  limits by_clock(options);
  const auto now = sys::clock::now();
  by_clock.start(now);
  CHECK(by_clock.left(now).value() <= 60s);
  CHECK(by_clock.take_reached(now + 61s) == outcome::deadline);
  options.limit = 30s;
  limits by_length(options);
  by_length.start(now);
  CHECK(by_length.take_reached(now + 30s) == outcome::timed_out);
}
