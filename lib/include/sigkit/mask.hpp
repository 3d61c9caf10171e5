#pragma once

#include <sigkit/export.hpp>
#include <sigkit/signal_set.hpp>

namespace sigkit {

/// How pthread_sigmask() applies a set: the SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK of the system.
enum class mask_change : unsigned char { block, unblock, set };

/// Changes the calling thread's mask and returns the one before (rt_sigprocmask(2)).
///
/// KILL and STOP are never blocked, and 32 and 33, the C library's own, stay as they are; asking
/// for it is no error. An empty set with mask_change::block only asks. Throws: never (the call
/// fails on a bad `how` alone). Thread-safe: yes, each thread has its own mask. Async-signal-safe:
/// yes, but the change is undone when a handler returns.
SIGKIT_API signal_set pthread_sigmask(mask_change how, signal_set set) noexcept;

/// The signals that are pending to the calling thread or to the process (sigpending(2)).
/// Thread-safe and async-signal-safe.
[[nodiscard]] SIGKIT_API signal_set sigpending() noexcept;

/// Changes the calling thread's mask for as long as it lives, then restores exactly the one
/// before. Made and destroyed in the same thread, in the order of a stack.
/// Thread-safe and async-signal-safe as pthread_sigmask().
class scoped_mask {
public:
  scoped_mask(mask_change how, signal_set set) noexcept : previous_(pthread_sigmask(how, set)) {}
  scoped_mask(const scoped_mask&) = delete;
  scoped_mask& operator=(const scoped_mask&) = delete;
  ~scoped_mask() { pthread_sigmask(mask_change::set, previous_); }

  /// The mask that was in force before and will be again.
  [[nodiscard]] signal_set previous() const noexcept { return previous_; }

private:
  signal_set previous_;
};

} // namespace sigkit
