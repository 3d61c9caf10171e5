#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <sigkit/export.hpp>

namespace sigkit {

/// Every length of time in the library, in nanoseconds.
using duration = std::chrono::nanoseconds;

/// A length that never passes ("inf", or more than 292 years).
inline constexpr duration never = duration::max();

/// DUR of the command line: a number as strtod(3) reads it in the C locale (hexadecimal and "inf"
/// too) and a unit `ns us ms s m h d`, seconds where there is none; or a compound such as
/// `1h30m5s`, whose units are all given and grow smaller. More than can be held is `never`;
/// what is positive but below a nanosecond is one. Nothing where it is negative or unreadable.
/// Thread-safe: yes. Async-signal-safe: no.
SIGKIT_API std::optional<duration> parse_duration(std::string_view text);

/// For a person, short: "1.5s", "250ms", "1h30m5s", "never".
/// Thread-safe: yes. Async-signal-safe: no.
SIGKIT_API std::string to_string(duration length);

} // namespace sigkit
