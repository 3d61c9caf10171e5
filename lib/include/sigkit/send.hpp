#pragma once

#include <sys/types.h>

#include <sigkit/error.hpp>
#include <sigkit/export.hpp>
#include <sigkit/pidfd.hpp>
#include <sigkit/signal_id.hpp>

namespace sigkit {

namespace detail {
SIGKIT_API delivery send(failure& why, pid_t pid, signal_id signal) noexcept;
SIGKIT_API delivery send_group(failure& why, pid_t group, signal_id signal) noexcept;
SIGKIT_API delivery send_all(failure& why, signal_id signal) noexcept;
} // namespace detail

/// Sends `signal` to the process that has `pid` at this moment (kill(2)). Where the PID may have
/// been recycled since it was learnt, hold a pidfd instead. `pid` must be above 0.
/// Throws sigkit::error (EINVAL: no such signal or PID). Thread-safe: yes. Async-signal-safe: no.
inline delivery send(pid_t pid, signal_id signal) {
  return detail::call(detail::send, pid, signal);
}

/// Sends `signal` to every member of the process group `group` that the caller may signal, in one
/// call that no fork can slip through (kill(2) of -group); 0 means the caller's own group.
/// `not_permitted` where none of them may be signalled, `gone` where there is no such group.
/// Errors and safety as send(). A group of 1 is refused: for kill(2) that is every process.
inline delivery send_group(pid_t group, signal_id signal) {
  return detail::call(detail::send_group, group, signal);
}

/// Sends `signal` to every process that the caller may signal, but PID 1 and itself (kill(2) of
/// -1). Errors and safety as send().
inline delivery send_all(signal_id signal) {
  return detail::call(detail::send_all, signal);
}

} // namespace sigkit
