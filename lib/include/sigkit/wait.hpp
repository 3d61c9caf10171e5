#pragma once

#include <optional>

#include <sigkit/duration.hpp>
#include <sigkit/error.hpp>
#include <sigkit/export.hpp>
#include <sigkit/signal_info.hpp>
#include <sigkit/signal_set.hpp>

namespace sigkit {

namespace detail {
SIGKIT_API signal_info sigwaitinfo(failure& why, signal_set set) noexcept;
SIGKIT_API std::optional<signal_info> sigtimedwait(failure& why, signal_set set,
                                                   duration timeout) noexcept;
} // namespace detail

/// Waits until a signal of `set` is pending, takes it and returns what came with it
/// (sigwaitinfo(2)). The set must be blocked in every thread, else the default action may come
/// first. An interruption by another signal is not seen: the wait goes on.
/// Throws sigkit::error where the system refuses. Thread-safe: yes. Async-signal-safe: no.
inline signal_info sigwaitinfo(signal_set set) {
  return detail::call(detail::sigwaitinfo, set);
}

/// The same, for `timeout` at most (sigtimedwait(2), CLOCK_MONOTONIC): 0 only looks, `never`
/// waits for ever; nothing where none came in time. A negative timeout throws (EINVAL).
/// Thread-safe: yes. Async-signal-safe: no.
inline std::optional<signal_info> sigtimedwait(signal_set set, duration timeout) {
  return detail::call(detail::sigtimedwait, set, timeout);
}

} // namespace sigkit
