#pragma once

#include <chrono>

#include <sigkit/duration.hpp>
#include <sigkit/error.hpp>
#include <sigkit/export.hpp>

namespace sigkit {

/// The three interval timers of a process (setitimer(2)), and the signals that they send to it.
enum class itimer : unsigned char {
  real,         ///< ITIMER_REAL: the time that passes; ALRM
  virtual_time, ///< ITIMER_VIRTUAL: processor time of the process itself; VTALRM
  profiling,    ///< ITIMER_PROF: that, and what the kernel spends on its behalf; PROF
};

/// What a timer does next. Both are 0 for one that is off.
struct itimer_value {
  duration delay{0};    ///< until the next signal
  duration interval{0}; ///< from one signal to the next; 0: there is one only

  bool operator==(const itimer_value&) const = default;
};

/// A timer that is none, or a length of time that cannot be. Safety as error.
class SIGKIT_API itimer_error : public error {
public:
  using error::error;
};

namespace detail {
SIGKIT_API itimer_value setitimer(failure& why, itimer which, duration delay,
                                  duration interval) noexcept;
SIGKIT_API itimer_value getitimer(failure& why, itimer which) noexcept;
SIGKIT_API std::chrono::seconds alarm(failure& why, std::chrono::seconds after) noexcept;
} // namespace detail

/// Starts a timer anew and returns what it would have done: a signal after `delay`, and then one
/// every `interval` (setitimer(2)). A delay of 0 switches it off. The kernel counts microseconds:
/// what is more precise is rounded up, so that 1 ns is not off; 100 years is the most. A process
/// has one of each timer; a child of fork(2) has none running, a program that is executed keeps
/// them. Throws sigkit::itimer_error (EINVAL) for a negative time and for a timer that is none.
/// Thread-safe: yes, as the process has one. Async-signal-safe: no (may throw).
inline itimer_value setitimer(itimer which, duration delay, duration interval = duration::zero()) {
  return detail::call<itimer_error>(detail::setitimer, which, delay, interval);
}

/// What a timer does next (getitimer(2)). Errors and safety as setitimer().
[[nodiscard]] inline itimer_value getitimer(itimer which) {
  return detail::call<itimer_error>(detail::getitimer, which);
}

/// SIGALRM for this process after so many seconds, once; 0: none (alarm(2)). It is the same timer
/// as itimer::real. Returns what was left of the alarm before, in seconds that are rounded, never
/// to 0; 0 where there was none. Throws sigkit::itimer_error (EINVAL) for what is negative or more
/// than 2147483647 s. Thread-safe: yes, as the process has one. Async-signal-safe: no (may throw).
inline std::chrono::seconds alarm(std::chrono::seconds after) {
  return detail::call<itimer_error>(detail::alarm, after);
}

} // namespace sigkit
