#include <doctest/doctest.h>

#include <cstdlib>
#include <ctime>

#include <sigkit/wall_time.hpp>

using namespace sigkit;
using namespace std::chrono_literals;
using std::chrono::system_clock;

namespace {

system_clock::time_point at(std::time_t seconds) {
  return system_clock::from_time_t(seconds);
}

constexpr std::time_t noon = 1'700'000'000 / 86'400 * 86'400 + 43'200; // 2023-11-14T12:00:00Z

} // namespace

TEST_CASE("a time of day is the next one, in local time") {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  CHECK(parse_wall_time("13:00", at(noon)) == at(noon + 3600));
  CHECK(parse_wall_time("12:00:01", at(noon)) == at(noon + 1));
  CHECK(parse_wall_time("12:00", at(noon)) == at(noon + 86'400));
  CHECK(parse_wall_time("11:59", at(noon)) == at(noon + 86'340));
  ::setenv("TZ", "UTC-2", 1); // two hours ahead
  ::tzset();
  CHECK(parse_wall_time("15:00", at(noon)) == at(noon + 3600));
}

TEST_CASE("a date has a zone, may have a fraction, and may be in the past") {
  CHECK(parse_wall_time("2023-11-14T12:00:00Z", at(0)) == at(noon));
  CHECK(parse_wall_time("2023-11-14t13:30:00+01:30", at(0)) == at(noon));
  CHECK(parse_wall_time("2023-11-14 07:00:00-05:00", at(noon + 5)) == at(noon));
  CHECK(parse_wall_time("2023-11-14T12:00:00.25Z", at(0)) == at(noon) + 250ms);
  CHECK(parse_wall_time("2024-02-29T00:00:00Z", at(0)).has_value());
  CHECK(to_rfc3339(at(noon) + 250ms) == "2023-11-14T12:00:00.250Z");
}

TEST_CASE("what is no time is refused") {
  for (const char* text : {"",
                           "12",
                           "12:",
                           "1:00",
                           "24:00",
                           "12:60",
                           "12:00:60",
                           "12:00x",
                           "-1:00",
                           " 12:00",
                           "12:00 ",
                           "2023-11-14",
                           "2023-11-14T12:00:00",
                           "2023-11-14T12:00Z",
                           "2023-13-01T00:00:00Z",
                           "2023-02-29T00:00:00Z",
                           "2023-11-14T25:00:00Z",
                           "2023-11-14T12:00:00.Z",
                           "2023-11-14T12:00:00+1:00",
                           "2023-11-14T12:00:00Zx",
                           "9999-12-31T23:59:59Z",
                           "1500-01-01T00:00:00Z"})
    CHECK_FALSE_MESSAGE(parse_wall_time(text, at(noon)), text);
}
