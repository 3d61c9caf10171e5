#include <sigkit/duration.hpp>

#include <locale.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "text.hpp"

namespace sigkit {

namespace {

struct unit {
  std::string_view name;
  double nanoseconds;
};

// Two-letter units first: "ms" is not "m" and something left over.
constexpr std::array<unit, 7> units{
    {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {"d", 86400e9}}};

const unit* unit_at(std::string_view text) {
  for (const unit& candidate : units)
    if (text.starts_with(candidate.name)) return &candidate;
  return nullptr;
}

/// strtod(3) of what is there until `last`, which is a NUL, whatever locale the program has set:
/// glibc's newlocale of "C" allocates nothing. Digits alone, which is what most write, are read
/// without it: its code lies far from all else that a start needs.
double read_number(const char* text, const char* last, const char*& end) {
  constexpr std::ptrdiff_t exact = 15;
  std::uint64_t whole = 0;
  const auto [rest, failed] = std::from_chars(text, last, whole);
  const bool goes_on =
      rest != last && std::string_view(".eExX").find(*rest) != std::string_view::npos;
  end = rest;
  if (failed == std::errc{} && rest - text <= exact && !goes_on) return static_cast<double>(whole);
  static const locale_t c_locale = ::newlocale(LC_ALL_MASK, "C", nullptr);
  char* after = nullptr;
  const double number = ::strtod_l(text, &after, c_locale);
  end = after;
  return number;
}

/// Whether something other than 0 was written, which strtod may have rounded down to 0.
bool has_nonzero_digit(std::string_view number) {
  const bool hex = number.find_first_of("xX") != std::string_view::npos;
  const std::string_view digits = number.substr(0, number.find_first_of(hex ? "pP" : "eE"));
  return digits.find_first_of(hex ? "123456789abcdefABCDEF" : "123456789") !=
         std::string_view::npos;
}

duration to_duration(double nanoseconds, bool positive) {
  constexpr double limit = 9223372036854775807.0;
  if (nanoseconds >= limit) return never;
  auto count = static_cast<std::int64_t>(nanoseconds);
  // Rounded by hand: llround(3) would have every start-up load libm.
  if (nanoseconds - static_cast<double>(count) >= 0.5) ++count;
  return duration(count == 0 && positive ? 1 : count);
}

duration add(duration a, duration b) {
  return a >= never - b ? never : a + b;
}

} // namespace

std::optional<duration> parse_duration(std::string_view text) {
  const std::string copy(text); // strtod wants its end marked
  const char* const last = copy.c_str() + copy.size();
  const char* at = copy.c_str();
  duration total{0};
  double previous_unit = 0;
  if (at == last) return std::nullopt;
  while (at != last) {
    const char* end = nullptr;
    const double number = read_number(at, last, end);
    const std::string_view written(at, static_cast<std::size_t>(end - at));
    if (end == at || std::isnan(number)) return std::nullopt;
    const bool nonzero = has_nonzero_digit(written);
    if (number < 0 || (std::signbit(number) && nonzero)) return std::nullopt;
    const bool first = previous_unit == 0;
    if (!first && !is_digit(*at) && *at != '.') return std::nullopt;
    const std::string_view rest(end, static_cast<std::size_t>(last - end));
    const unit* found = unit_at(rest);
    if (found == nullptr && !(first && rest.empty())) return std::nullopt;
    const double scale = found != nullptr ? found->nanoseconds : 1e9;
    if (!first && scale >= previous_unit) return std::nullopt;
    const double scaled = number == 0 ? 0 : number * scale;
    total = add(total, to_duration(scaled, nonzero));
    previous_unit = scale;
    at = end + (found != nullptr ? found->name.size() : 0);
  }
  return total;
}

std::string to_string(duration length) {
  using namespace std::chrono;
  if (length == never) return "never";
  // The lowest has no counterpart above 0, and the one of the next is `never`.
  if (length < 0ns) return "-" + to_string(-std::max(length, 1ns - never));
  const auto decimal = [](std::int64_t whole, std::int64_t part, int digits, const char* name) {
    std::string result = std::to_string(whole);
    if (part != 0) {
      std::string fraction = std::to_string(part);
      fraction.insert(0, static_cast<std::size_t>(digits) - fraction.size(), '0');
      fraction.erase(fraction.find_last_not_of('0') + 1);
      result += "." + fraction;
    }
    return result + name;
  };
  const std::int64_t count = length.count();
  if (count == 0) return "0s";
  if (count < 1000) return decimal(count, 0, 0, "ns");
  if (count < 1'000'000) return decimal(count / 1000, count % 1000, 3, "us");
  if (count < 1'000'000'000) return decimal(count / 1'000'000, count % 1'000'000, 6, "ms");
  std::string result;
  std::int64_t seconds = count / 1'000'000'000;
  for (const auto& [name, size] : {std::pair{"d", 86400}, {"h", 3600}, {"m", 60}}) {
    if (seconds < size) continue;
    result += std::to_string(seconds / size) + name;
    seconds %= size;
  }
  const std::int64_t fraction = count % 1'000'000'000;
  if (seconds != 0 || fraction != 0 || result.empty()) result += decimal(seconds, fraction, 9, "s");
  return result;
}

} // namespace sigkit
