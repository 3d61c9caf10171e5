#include <doctest/doctest.h>

#include <clocale>

#include <sigkit/duration.hpp>

using namespace sigkit;
using namespace std::chrono_literals;

TEST_CASE("a duration is seconds where no unit is given") {
  CHECK(parse_duration("5") == 5s);
  CHECK(parse_duration("0") == 0s);
  CHECK(parse_duration("-0") == 0s);
  CHECK(parse_duration(".1") == 100ms);
  CHECK(parse_duration("+2") == 2s);
  CHECK(parse_duration("5.") == 5s);
  CHECK(parse_duration("999999999999999ns") == 999999999999999ns);
  CHECK(parse_duration("9007199254740993ns") == 9007199254740992ns); // as a double holds it
  CHECK(parse_duration("00000000000000000005") == 5s);
}

TEST_CASE("a duration takes every unit") {
  CHECK(parse_duration("7ns") == 7ns);
  CHECK(parse_duration("7us") == 7us);
  CHECK(parse_duration("7ms") == 7ms);
  CHECK(parse_duration("7s") == 7s);
  CHECK(parse_duration("7m") == 7min);
  CHECK(parse_duration("7h") == 7h);
  CHECK(parse_duration("7d") == 168h);
}

TEST_CASE("a duration is read as strtod reads it") {
  CHECK(parse_duration("2.34e+5d") == never); // 640 years
  CHECK(parse_duration("2.34e+3d") == 2340 * 24h);
  CHECK(parse_duration("0x10") == 16s);
  CHECK(parse_duration("0x0.1d") == duration(113281250)); // d is a digit here
  CHECK(parse_duration("1e3ms") == 1s);
  CHECK(parse_duration("inf") == never);
  CHECK(parse_duration("infinity") == never);
  CHECK(parse_duration("INFd") == never);
}

TEST_CASE("a duration too small or too large to be held is kept from turning into another") {
  CHECK(parse_duration("1e-10000") == 1ns);
  CHECK(parse_duration("1e-12") == 1ns);
  CHECK(parse_duration("0x1p-5000") == 1ns);
  CHECK(parse_duration("0e5") == 0ns);
  CHECK(parse_duration("0x0p9") == 0ns);
  CHECK(parse_duration("1e10000") == never);
  CHECK(parse_duration("9999999999d") == never);
}

TEST_CASE("a compound duration has all its units and they grow smaller") {
  CHECK(parse_duration("1h30m5s") == 1h + 30min + 5s);
  CHECK(parse_duration("1d2h") == 26h);
  CHECK(parse_duration("1s500ms") == 1500ms);
  CHECK(parse_duration("infd1h") == never);
  CHECK_FALSE(parse_duration("1h30"));
  CHECK_FALSE(parse_duration("30m1h"));
  CHECK_FALSE(parse_duration("1h1h"));
  CHECK_FALSE(parse_duration("1h 30m"));
  CHECK_FALSE(parse_duration("1h-30m"));
}

TEST_CASE("what is no duration is refused") {
  for (const char* text :
       {"", "x", "-1", "-1e-10000", "nan", "5x", "42D", "5 s", "s", "1ss", "--1", "1,5", "-inf"})
    CHECK_MESSAGE(!parse_duration(text), text);
}

TEST_CASE("a duration does not depend on the locale") {
  if (std::setlocale(LC_ALL, "de_DE.UTF-8") == nullptr) MESSAGE("no German locale here");
  CHECK(parse_duration("1.5") == 1500ms);
}

TEST_CASE("a duration is shown short") {
  CHECK(to_string(0ns) == "0s");
  CHECK(to_string(15ns) == "15ns");
  CHECK(to_string(1500us) == "1.5ms");
  CHECK(to_string(duration(2s)) == "2s");
  CHECK(to_string(duration(2s) + 50ms) == "2.05s");
  CHECK(to_string(duration(1h) + 30min + 5s) == "1h30m5s");
  CHECK(to_string(duration(25h)) == "1d1h");
  CHECK(to_string(never) == "never");
  CHECK(to_string(duration(-1500us)) == "-1.5ms");
  CHECK(to_string(duration::min()) == "-106751d23h47m16.854775806s");
}
