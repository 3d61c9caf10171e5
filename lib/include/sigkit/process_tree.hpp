#pragma once

#include <sys/types.h>

#include <vector>

#include <sigkit/error.hpp>
#include <sigkit/export.hpp>
#include <sigkit/process.hpp>
#include <sigkit/signal_id.hpp>

namespace sigkit {

/// What came of a signal that was sent to a tree.
struct tree_delivery {
  std::size_t sent = 0;                     ///< how many processes took it
  std::vector<process_facts> not_permitted; ///< those that the caller may not signal
  bool frozen = true; ///< false where a terminating signal went out before all stood still
};

namespace detail {
SIGKIT_API std::vector<process_facts> descendants(failure& why, pid_t root) noexcept;
SIGKIT_API tree_delivery send_tree(failure& why, pid_t root, signal_id signal) noexcept;
} // namespace detail

/// Every descendant of `root` that can be found from parent to child, parents before their
/// children; `root` itself is not among them. One look at something that moves: what is forked
/// during it may be missing. A process whose parent died belongs to the nearest subreaper
/// (PR_SET_CHILD_SUBREAPER of prctl(2)), or to PID 1, and is found from there alone.
/// Reads /proc/PID/task/TID/children. Empty where `root` has ended. Throws sigkit::error where
/// /proc is not usable. Thread-safe: yes. Async-signal-safe: no.
inline std::vector<process_facts> descendants(pid_t root) {
  return detail::call(detail::descendants, root);
}

/// Sends `signal` to every descendant of `root`, and not to `root`.
///
/// Before a signal that terminates, the tree is stopped (STOP), so that nothing forks away, until
/// one pass finds nothing new, nothing changed, and every thread stopped, dead or in
/// uninterruptible sleep (but not in the middle of making a process). That is waited for during 1
/// s, or 5 s as long as there is something new. Afterwards CONT goes to all, so that the signal is
/// acted on; not after KILL, which needs none. Other signals go out with nothing frozen.
/// The caller must not reap a descendant meanwhile, and must not be one.
/// Where `root` has ended nothing is sent. Throws sigkit::error where /proc is not usable (EINVAL:
/// no such signal). Thread-safe: yes. Async-signal-safe: no.
inline tree_delivery send_tree(pid_t root, signal_id signal) {
  return detail::call(detail::send_tree, root, signal);
}

} // namespace sigkit
