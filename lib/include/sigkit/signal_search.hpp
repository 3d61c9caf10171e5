#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include <sigkit/error.hpp>
#include <sigkit/export.hpp>
#include <sigkit/process.hpp>
#include <sigkit/signal_set.hpp>

namespace sigkit {

/// Which processes are meant, by what they do with signals. All that is given must hold. Of each
/// set one signal must be caught (ignored, blocked, pending), by each pattern something be matched.
struct signal_conditions {
  std::vector<signal_set> catching;
  std::vector<signal_set> ignoring;
  std::vector<signal_set> blocking; ///< by the process or a thread of it
  std::vector<signal_set> pending;  ///< for the process or a thread of it
  std::vector<std::string> names;   ///< regular expressions (regex(7), extended) found in comm
  std::vector<uid_t> users;         ///< effective user, one of these
};

/// One that was found, with what all its threads have.
struct found_process {
  process_status status;       ///< `pending` and `blocked` are those of the first thread, `state`
                               ///< of the first that lives
  signal_set blocked_by_all;   ///< by each thread
  signal_set blocked_by_some;  ///< by at least one
  signal_set pending_for_some; ///< for at least one thread alone
};

struct signal_findings {
  std::vector<found_process> processes; ///< in the order of their PIDs
  std::vector<pid_t> hidden;            ///< those that are there, but may not be looked at
};

namespace detail {
SIGKIT_API signal_findings find_by_signals(failure& why,
                                           const signal_conditions& conditions) noexcept;
} // namespace detail

/// The processes for which the conditions hold, but for this one. /proc is read in one pass, and of
/// each process one file (/proc/PID/status); of one that may be meant and has several threads
/// theirs as well. Some may have ended since.
/// Throws sigkit::error (ENOENT: /proc does not show this PID namespace; EINVAL: a regular
/// expression that is none; EMFILE, ENFILE). Thread-safe: yes. Async-signal-safe: no.
inline signal_findings find_by_signals(const signal_conditions& conditions) {
  return detail::call(detail::find_by_signals, conditions);
}

} // namespace sigkit
