#pragma once

#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <sigkit/duration.hpp>
#include <sigkit/error.hpp>
#include <sigkit/export.hpp>
#include <sigkit/process.hpp>
#include <sigkit/process_ref.hpp>

namespace sigkit {

/// What is wrong with a regular expression (regcomp(3)); nothing where it is one.
/// Thread-safe: yes. Async-signal-safe: no.
SIGKIT_API std::optional<std::string> error_in_pattern(const std::string& text);

/// Which processes are meant. All conditions that are given must hold; where a condition is a list,
/// one of its entries must, but of patterns each.
struct process_conditions {
  std::vector<std::string> name;    ///< regular expressions (regex(7), extended) found in comm
  std::vector<std::string> command; ///< the same in the arguments, joined by spaces; in comm where
                                    ///< there are none
  bool exact = false;               ///< the patterns match the whole of it
  std::vector<std::string> called;  ///< comm, or the last part of argv[0], is one of these
  std::vector<uid_t> owners;        ///< real or effective user
  std::vector<uid_t> users;         ///< effective user
  std::vector<pid_t> parents;
  std::vector<int> terminals;       ///< controlling terminal, as process_facts has it; 0: none
  std::optional<duration> older;    ///< made at least so long ago
  std::optional<duration> newer;    ///< made less than so long ago
  std::vector<std::string> cgroups; ///< paths as /proc/PID/cgroup has them (version 2), and below
  bool inverse = false;             ///< those for which they do not all hold
  enum class pick : unsigned char { all, oldest, newest } only = pick::all; ///< of those found
  bool include_init = false;                                                ///< PID 1 as well
  bool include_self = false; ///< this process and its ancestors as well
};

/// One that was selected, and what was read of it.
struct selected_process {
  process_ref process;
  process_facts facts;
};

namespace detail {
SIGKIT_API std::vector<selected_process> select(failure& why, const process_conditions& conditions,
                                                const std::span<const process_ref>* among) noexcept;
SIGKIT_API std::vector<pid_t> ancestors(failure& why, pid_t pid) noexcept;
} // namespace detail

/// Every process for which the conditions hold, in the order of their start. This process, its
/// ancestors and PID 1 are among them only where that is asked for, threads of the kernel and what
/// has ended never are.
///
/// /proc is read once, and of each process no more than is needed. Each one is taken hold of, and
/// then known to be still the one that was read; what is beyond a quarter of the descriptors that
/// this process may have is known by its identity.
/// Throws sigkit::error (ENOENT: /proc does not show this PID namespace; EINVAL: a regular
/// expression that is none; EMFILE, ENFILE). Thread-safe: yes. Async-signal-safe: no.
inline std::vector<selected_process> select_processes(const process_conditions& conditions) {
  return detail::call(detail::select, conditions, nullptr);
}

/// Those of `among` for which they hold. Errors and safety as above.
inline std::vector<selected_process> select_processes(const process_conditions& conditions,
                                                      std::span<const process_ref> among) {
  return detail::call(detail::select, conditions, &among);
}

/// The parent of the process, that one's parent, and so on, as far as this PID namespace goes.
/// Throws sigkit::error (ENOENT: /proc does not show this PID namespace). Thread-safe: yes.
/// Async-signal-safe: no.
inline std::vector<pid_t> ancestors(pid_t pid) {
  return detail::call(detail::ancestors, pid);
}

} // namespace sigkit
