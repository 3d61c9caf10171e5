#pragma once

#include <cerrno>

#include <sigkit/error.hpp>
#include <sigkit/export.hpp>
#include <sigkit/handler.hpp>
#include <sigkit/signal_set.hpp>

namespace sigkit {

/// How pthread_sigmask() applies a set: the SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK of the system.
enum class mask_change : unsigned char { block, unblock, set };

namespace detail {
/// The change alone, with no safe point.
SIGKIT_API signal_set change_mask(mask_change how, signal_set set) noexcept;
} // namespace detail

/// Changes the calling thread's mask and returns the one before (rt_sigprocmask(2)).
///
/// In the main thread this is a safe point: where a signal that was pending is unblocked, its
/// handler has run when this returns. What the handler throws comes out of here; the mask has been
/// changed all the same. KILL and STOP are never blocked, and 32 and 33, the C library's own, stay
/// as they are; asking for it is no error. An empty set with mask_change::block only asks.
/// Throws sigkit::error (EINVAL) for a change that is none. Thread-safe: yes, each thread has its
/// own mask. Async-signal-safe: no (handlers may run in it).
inline signal_set pthread_sigmask(mask_change how, signal_set set) {
  if (how > mask_change::set) throw error(EINVAL, "pthread_sigmask(3) of a change that is none");
  const signal_set previous = detail::change_mask(how, set);
  dispatch();
  return previous;
}

/// The signals that are pending to the calling thread or to the process (sigpending(2)).
/// Thread-safe and async-signal-safe.
[[nodiscard]] SIGKIT_API signal_set sigpending() noexcept;

/// Changes the calling thread's mask for as long as it lives, then restores exactly the one
/// before. Made and destroyed in the same thread, in the order of a stack. No safe point: a handler
/// whose signal is unblocked here runs at the next one.
/// Thread-safe: yes, each thread has its own mask. Async-signal-safe: yes; what a handler changes
/// is undone when it returns (sigreturn(2)).
class scoped_mask {
public:
  scoped_mask(mask_change how, signal_set set) noexcept
      : previous_(detail::change_mask(how, set)) {}
  scoped_mask(const scoped_mask&) = delete;
  scoped_mask& operator=(const scoped_mask&) = delete;
  ~scoped_mask() { detail::change_mask(mask_change::set, previous_); }

  /// The mask that was in force before and will be again.
  [[nodiscard]] signal_set previous() const noexcept { return previous_; }

private:
  signal_set previous_;
};

} // namespace sigkit
