#pragma once

#include <optional>
#include <utility>
#include <vector>

#include <sigkit/cgroup.hpp>
#include <sigkit/error.hpp>
#include <sigkit/export.hpp>
#include <sigkit/pidfd.hpp>
#include <sigkit/signal_set.hpp>

namespace sigkit {

/// How a child starts. What is not named here it inherits: directory, environment, descriptors
/// that are not close-on-exec, the terminal.
struct spawn_options {
  /// The child's signal mask; where there is none, the calling thread's.
  std::optional<signal_set> mask;
  /// Signals that the child ignores, whatever this process does with them.
  signal_set ignore;
  /// Signals at their default action in the child. Caught ones always are (execve(2)).
  signal_set reset;
  /// This process catches no signal at all, and is not asked about each of them.
  bool catches_none = false;
  /// Sent to the child when the thread that spawned it ends (PR_SET_PDEATHSIG of prctl(2)); the
  /// kernel forgets it when the child executes a set-user-ID program. signull: none.
  signal_id parent_death = signull;
  /// The process group that the child is in (setpgid(2)); 0: one of its own, which it leads.
  /// Nothing: the caller's.
  std::optional<pid_t> group;
  /// The cgroup that the child is in before it executes the program; null: the caller's.
  const cgroup* control_group = nullptr;
  bool new_session = false; ///< the child leads a session of its own (setsid(2))
  /// With it: the terminal that stdin is, if it is one and nobody's, is that of the session
  /// (TIOCSCTTY of ioctl(2)).
  bool take_terminal = false;
  /// Descriptors of this process, and the numbers that they have in the child besides (dup2(2)),
  /// one after the other.
  std::vector<std::pair<int, int>> descriptors;
  /// The child's environment (ended by a null pointer); null: the caller's.
  char* const* environment = nullptr;
};

/// What spawn() made.
struct spawn_result {
  /// The child, running the program; nothing where the program could not be executed.
  std::optional<pidfd> process;
  /// errno of execve(2) where there is no process: ENOENT (not found), EACCES, …
  int exec_error = 0;
};

namespace detail {
SIGKIT_API spawn_result spawn(failure& why, char* const* argv,
                              const spawn_options& options) noexcept;
} // namespace detail

/// Starts argv[0], looked for along PATH as execvp(3) does, with `argv` (ended by a null pointer)
/// as its arguments. A file without an interpreter line is given to /bin/sh.
///
/// clone(2) with CLONE_VM, CLONE_VFORK and CLONE_PIDFD: no page is copied, and it returns once the
/// program runs or has failed. No handler of this process ever runs in the child. The caller
/// reaps the child. Needs Linux 5.2.
/// Throws sigkit::error where no child can be made (EAGAIN, ENOMEM, EMFILE), and where it cannot
/// have its session, group or cgroup (EPERM, EACCES, ENOENT; EINVAL for a group below 0); then
/// nothing is left of it. EINVAL where argv[0] is null, and for a parent death signal that is none.
/// Thread-safe: yes. Async-signal-safe: no.
inline spawn_result spawn(char* const* argv, const spawn_options& options = {}) {
  return detail::call(detail::spawn, argv, options);
}

} // namespace sigkit
