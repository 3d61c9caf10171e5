#include <sigkit/wall_time.hpp>

#include <array>
#include <cstdio>
#include <ctime>

#include "text.hpp"

namespace sigkit {

namespace {

using clock = std::chrono::system_clock;
using namespace std::chrono;

/// Takes exactly `digits` digits, up to `most`.
std::optional<int> take_number(std::string_view& text, std::size_t digits, int most) {
  const std::string_view word = text.substr(0, digits);
  const std::optional<int> number = parse_decimal<int>(word);
  if (word.size() != digits || !number || *number > most) return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

struct time_of_day {
  int hour = 0;
  int minute = 0;
  int second = 0;
};

std::optional<time_of_day> take_time(std::string_view& text, bool needs_seconds, int most_seconds) {
  const auto hour = take_number(text, 2, 23);
  if (!hour || !take(text, ":")) return std::nullopt;
  const auto minute = take_number(text, 2, 59);
  if (!minute) return std::nullopt;
  if (!take(text, ":")) {
    if (needs_seconds) return std::nullopt;
    return time_of_day{*hour, *minute, 0};
  }
  const auto second = take_number(text, 2, most_seconds);
  if (!second) return std::nullopt;
  return time_of_day{*hour, *minute, *second};
}

std::optional<clock::time_point> next_time_of_day(std::string_view text, clock::time_point now) {
  const std::optional<time_of_day> wanted = take_time(text, false, 59);
  if (!wanted || !text.empty()) return std::nullopt;
  const std::time_t seconds = clock::to_time_t(now);
  for (int later = 0; later <= 1; ++later) {
    std::tm day{};
    if (::localtime_r(&seconds, &day) == nullptr) return std::nullopt;
    day.tm_mday += later;
    day.tm_hour = wanted->hour;
    day.tm_min = wanted->minute;
    day.tm_sec = wanted->second;
    day.tm_isdst = -1; // whichever applies at that time
    const clock::time_point time = clock::from_time_t(std::mktime(&day));
    if (time > now) return time;
  }
  return std::nullopt;
}

/// ".5", to the nanosecond; nothing where there are no digits.
std::optional<nanoseconds> take_fraction(std::string_view& text) {
  if (!take(text, ".")) return nanoseconds::zero();
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  nanoseconds result{0};
  for (std::int64_t unit = 100'000'000; !text.empty() && is_digit(text.front()); unit /= 10) {
    result += nanoseconds(unit * (text.front() - '0'));
    text.remove_prefix(1);
  }
  return result;
}

/// "Z" or "+01:00": east of Greenwich is ahead.
std::optional<minutes> take_offset(std::string_view& text) {
  if (take(text, "Zz")) return minutes::zero();
  const bool east = text.starts_with('+');
  if (!take(text, "+-")) return std::nullopt;
  const auto hour = take_number(text, 2, 23);
  if (!hour || !take(text, ":")) return std::nullopt;
  const auto minute = take_number(text, 2, 59);
  if (!minute) return std::nullopt;
  const minutes offset = hours(*hour) + minutes(*minute);
  return east ? offset : -offset;
}

std::optional<clock::time_point> parse_rfc3339(std::string_view text) {
  const auto year_number = take_number(text, 4, 9999);
  if (!year_number || !take(text, "-")) return std::nullopt;
  const auto month_number = take_number(text, 2, 12);
  if (!month_number || !take(text, "-")) return std::nullopt;
  const auto day_number = take_number(text, 2, 31);
  if (!day_number || !take(text, "Tt ")) return std::nullopt;
  const year_month_day date(year(*year_number), month(static_cast<unsigned>(*month_number)),
                            day(static_cast<unsigned>(*day_number)));
  const auto time = take_time(text, true, 60); // a leap second
  if (!time || !date.ok()) return std::nullopt;
  const auto fraction = take_fraction(text);
  const auto offset = take_offset(text);
  if (!fraction || !offset || !text.empty()) return std::nullopt;
  const auto since_epoch = sys_days(date).time_since_epoch() + hours(time->hour) +
                           minutes(time->minute) + seconds(time->second) - *offset;
  constexpr auto latest = duration_cast<seconds>(clock::duration::max());
  // The clock does not reach farther.
  if (since_epoch > latest - hours(1) || since_epoch < -latest + hours(1)) return std::nullopt;
  return clock::time_point(since_epoch + *fraction);
}

} // namespace

std::optional<clock::time_point> parse_wall_time(std::string_view text, clock::time_point now) {
  if (auto time = next_time_of_day(text, now)) return time;
  return parse_rfc3339(text);
}

std::string to_rfc3339(clock::time_point time) {
  const auto whole = floor<milliseconds>(time);
  const std::time_t seconds_since = clock::to_time_t(floor<seconds>(time));
  const auto fraction = static_cast<int>((whole - floor<seconds>(whole)).count());
  std::tm fields{};
  ::gmtime_r(&seconds_since, &fields);
  std::array<char, 64> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &fields);
  std::snprintf(text.data() + size, text.size() - size, ".%03dZ", fraction);
  return text.data();
}

} // namespace sigkit
