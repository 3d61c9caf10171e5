#pragma once

#include <sigkit/error.hpp>
#include <sigkit/export.hpp>
#include <sigkit/signal_id.hpp>

namespace sigkit {

/// What a process does with a signal when it is delivered (sigaction(2)).
enum class disposition : unsigned char { by_default, ignored, caught };

namespace detail {
SIGKIT_API disposition get_disposition(failure& why, signal_id signal) noexcept;
SIGKIT_API void set_default(failure& why, signal_id signal) noexcept;
SIGKIT_API void set_ignored(failure& why, signal_id signal) noexcept;
} // namespace detail

/// What this process does with `signal` now.
/// Throws sigkit::error (EINVAL) for 0, reserved signals and numbers out of range.
/// Thread-safe: yes; dispositions belong to the whole process. Async-signal-safe: no (may throw).
[[nodiscard]] inline disposition get_disposition(signal_id signal) {
  return detail::call(detail::get_disposition, signal);
}

/// Sets the default action (SIG_DFL); both survive execve(2), so a child gets them too.
/// From any thread, unlike set_handler(), and no safe point: calls of a handler that was there
/// before are still made where they are due. Throws sigkit::error (EINVAL) for signals that are not
/// signal_id::is_changeable(). Thread-safe: yes. Async-signal-safe: no (may throw).
inline void set_default(signal_id signal) {
  detail::call(detail::set_default, signal);
}

/// Ignores `signal` (SIG_IGN). Errors and safety as set_default().
inline void set_ignored(signal_id signal) {
  detail::call(detail::set_ignored, signal);
}

} // namespace sigkit
