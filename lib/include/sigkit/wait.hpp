#pragma once

#include <chrono>
#include <optional>

#include <sigkit/duration.hpp>
#include <sigkit/error.hpp>
#include <sigkit/export.hpp>
#include <sigkit/handler.hpp>
#include <sigkit/signal_info.hpp>
#include <sigkit/signal_set.hpp>

// Every call that waits is a safe point from its begin to its end: in the main thread, the handlers
// of signals that came before or come meanwhile are called, and then the wait goes on for the time
// that is left (CLOCK_MONOTONIC). No signal slips through between looking and waiting. In other
// threads no handlers are called, and interruptions are not seen. What time there is counts for
// handlers too: where they take longer, the wait is over after them. A thread that waits must not
// be cancelled (pthread_cancel(3)): that ends the program.
//
// Where handlers are installed, the main thread needs a descriptor while it waits (eventfd(2)), or
// two (signalfd(2)): EMFILE, ENFILE and ENOMEM are errors then.

namespace sigkit {

namespace detail {

/// Why a step of waiting is over; `again`: handlers may be due, and there is time left.
enum class wait_end : unsigned char { ready, timed_out, again };

using deadline = std::chrono::steady_clock::time_point;

SIGKIT_API deadline deadline_of(failure& why, const char* call, duration timeout) noexcept;
SIGKIT_API wait_end wait_for_descriptor(failure& why, int descriptor, deadline until) noexcept;
SIGKIT_API wait_end wait_for_signal(failure& why, signal_set set, deadline until,
                                    signal_info& info) noexcept;
SIGKIT_API wait_end wait_for_any_signal(failure& why) noexcept;

/// Takes the steps of a wait, and calls handlers between them. False where time was up.
template <class Step> bool wait_in_steps(Step step) {
  for (;;) {
    dispatch();
    const wait_end end = step();
    if (end != wait_end::again) return end == wait_end::ready;
  }
}

/// Whether `descriptor` is readable in time; -1: only time passes.
inline bool wait_until_readable(int descriptor, deadline until) {
  return wait_in_steps([&] { return call(wait_for_descriptor, descriptor, until); });
}

} // namespace detail

/// Waits until a signal that is caught comes, and has its handlers called (pause(2)).
///
/// Where one is due already, it is called and this returns: what comes just before is not slept
/// through. In another thread than the main one it returns when a handled signal was delivered to
/// that thread, which is up to the kernel; the handler is called in the main thread.
/// Throws what handlers throw, and sigkit::error. Thread-safe: yes. Async-signal-safe: no.
inline void pause() {
  while (dispatch() == 0)
    if (detail::call(detail::wait_for_any_signal) == detail::wait_end::ready) {
      dispatch();
      return;
    }
}

/// Sleeps for `length` (ppoll(2)), whatever handlers are called meanwhile; `never`: for ever.
/// Throws what handlers throw, and sigkit::error (EINVAL: negative). Thread-safe: yes.
/// Async-signal-safe: no.
inline void sleep_for(duration length) {
  detail::wait_until_readable(-1, detail::call(detail::deadline_of, "a sleep", length));
}

/// Waits until a signal of `set` is pending, takes it and returns what came with it
/// (sigwaitinfo(2)); no handler is called for that one. The set must be blocked in every thread,
/// else the disposition may be faster.
/// Throws what handlers of other signals throw, and sigkit::error. Thread-safe: yes.
/// Async-signal-safe: no.
inline signal_info sigwaitinfo(signal_set set) {
  signal_info info;
  detail::wait_in_steps(
      [&] { return detail::call(detail::wait_for_signal, set, detail::deadline::max(), info); });
  return info;
}

/// The same, for `timeout` at most (sigtimedwait(2)): 0 only looks, `never` waits for ever; nothing
/// where none came in time. Throws sigkit::error (EINVAL) for a negative timeout too. Safety as
/// there.
inline std::optional<signal_info> sigtimedwait(signal_set set, duration timeout) {
  const auto until = detail::call(detail::deadline_of, "sigtimedwait(2)", timeout);
  signal_info info;
  if (!detail::wait_in_steps(
          [&] { return detail::call(detail::wait_for_signal, set, until, info); }))
    return std::nullopt;
  return info;
}

/// The same as sigwaitinfo(), for who wants to know the signal alone (sigwait(3)). Errors and
/// safety as there.
inline signal_id sigwait(signal_set set) {
  return sigwaitinfo(set).signal;
}

} // namespace sigkit
