#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <sigkit/export.hpp>

namespace sigkit {

/// TIME of the command line: `HH:MM` or `HH:MM:SS`, the next such time of day after `now` in the
/// local time zone (localtime(3), TZ); or a date and time as RFC 3339 has it, such as
/// `2030-12-31T23:59:59Z` or `2030-12-31 23:59:59.5+01:00`, which may be in the past. Nothing where
/// the text is neither. Thread-safe: yes, while nobody changes TZ. Async-signal-safe: no.
SIGKIT_API std::optional<std::chrono::system_clock::time_point>
parse_wall_time(std::string_view text, std::chrono::system_clock::time_point now);

/// As RFC 3339 has it, in UTC, with milliseconds: "2030-12-31T23:59:59.000Z".
/// Thread-safe: yes. Async-signal-safe: no.
SIGKIT_API std::string to_rfc3339(std::chrono::system_clock::time_point time);

} // namespace sigkit
