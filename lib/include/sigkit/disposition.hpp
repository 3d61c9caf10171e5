#pragma once

#include <sigkit/export.hpp>
#include <sigkit/signal_id.hpp>

namespace sigkit {

/// What a process does with a signal when it is delivered (sigaction(2)).
enum class disposition : unsigned char { by_default, ignored, caught };

/// What this process does with `signal` now.
/// Throws sigkit::error (EINVAL) for 0, reserved signals and numbers out of range.
/// Thread-safe: yes; dispositions belong to the whole process. Async-signal-safe: no (may throw).
[[nodiscard]] SIGKIT_API disposition get_disposition(signal_id signal);

/// Sets the default action (SIG_DFL); both survive execve(2), so a child gets them too.
/// Throws sigkit::error (EINVAL) for signals that are not signal_id::is_changeable().
/// Thread-safe: yes. Async-signal-safe: no (may throw).
SIGKIT_API void set_default(signal_id signal);

/// Ignores `signal` (SIG_IGN). Errors and safety as set_default().
SIGKIT_API void set_ignored(signal_id signal);

} // namespace sigkit
