#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sigkit/duration.hpp>
#include <sigkit/error.hpp>
#include <sigkit/export.hpp>
#include <sigkit/signal_set.hpp>

namespace sigkit {

/// What /proc/PID/stat says of a process or of a thread (proc(5)), at one moment.
struct process_facts {
  pid_t pid = 0;
  std::string name;             ///< comm, at most 15 bytes; the process itself chooses them
  char state = '?';             ///< R, S, D, T, t, Z, X, …
  pid_t parent = 0;             ///< 0 where it is outside this PID namespace
  pid_t group = 0;              ///< process group
  pid_t session = 0;            ///< session
  int terminal = 0;             ///< controlling terminal, as st_rdev of stat(2) has it; 0: none
  bool kernel = false;          ///< a thread of the kernel's own
  int threads = 0;              ///< how many, one that has ended but leads the others included
  std::uint64_t start_time = 0; ///< clock ticks since boot; with pid it names one process for ever
};

/// Whether no thread of it runs any more: it waits to be reaped, or is gone.
/// Thread-safe: yes. Async-signal-safe: yes.
inline bool has_ended(const process_facts& process) noexcept {
  return process.state == 'X' || (process.state == 'Z' && process.threads <= 1);
}

/// What /proc/PID/status says of a process or of a thread (proc(5)): who it is, and its signals.
struct process_status {
  pid_t id = 0;              ///< PID; of a thread its own ID
  pid_t process = 0;         ///< PID of the process that a thread belongs to
  std::string name;          ///< comm, at most 15 bytes; the process itself chooses them
  char state = '?';          ///< R, S, D, T, t, Z, X, …
  int threads = 1;           ///< of the process, one that has ended but leads the others included
  pid_t tracer = 0;          ///< who traces it (ptrace(2)); 0: nobody of this PID namespace
  uid_t uid = 0;             ///< real user
  uid_t effective_uid = 0;   ///< effective user
  bool is_init = false;      ///< PID 1 of its PID namespace: its default actions are not taken
  signal_set pending;        ///< for this thread alone (SigPnd)
  signal_set shared_pending; ///< for the process (ShdPnd)
  signal_set blocked;        ///< by this thread (SigBlk)
  signal_set ignored;        ///< by the process (SigIgn)
  signal_set caught;         ///< by the process (SigCgt)
  std::uint64_t queued = 0;  ///< signals that wait for processes of this real user (SigQ)
  std::uint64_t queue_limit = 0; ///< how many may (RLIMIT_SIGPENDING of getrlimit(2))
};

namespace detail {
SIGKIT_API std::optional<process_status> read_status(failure& why, pid_t pid) noexcept;
SIGKIT_API std::vector<process_status> read_threads(failure& why, pid_t pid) noexcept;
SIGKIT_API std::optional<std::vector<std::string>> read_command_line(failure& why,
                                                                     pid_t pid) noexcept;
SIGKIT_API std::vector<process_facts> all_processes(failure& why) noexcept;
SIGKIT_API std::optional<process_facts> read_process(failure& why, pid_t pid) noexcept;
} // namespace detail

/// Reads the text of /proc/PID/stat; nothing where it is not one. The name may hold anything,
/// parentheses and line ends too.
/// Thread-safe: yes. Async-signal-safe: no.
SIGKIT_API std::optional<process_facts> parse_process_stat(std::string_view text);

/// The facts about the process that has `pid` now; nothing where there is none, or where /proc
/// hides it. Throws sigkit::error where no file can be opened (EMFILE, ENFILE, ENOMEM).
/// Thread-safe: yes. Async-signal-safe: no.
inline std::optional<process_facts> read_process(pid_t pid) {
  return detail::call(detail::read_process, pid);
}

/// How long ago the process was made (CLOCK_BOOTTIME of clock_gettime(2)), in clock ticks of
/// sysconf(3). Thread-safe: yes. Async-signal-safe: no.
SIGKIT_API duration age_of(const process_facts& process) noexcept;

/// Reads the text of /proc/PID/status; nothing where it is not one.
/// Thread-safe: yes. Async-signal-safe: no.
SIGKIT_API std::optional<process_status> parse_process_status(std::string_view text);

/// The users and signals of the process that has `pid` now; `pending` and `blocked` are those of
/// its first thread. Nothing where there is no such process. Errors and safety as read_process().
inline std::optional<process_status> read_status(pid_t pid) {
  return detail::call(detail::read_status, pid);
}

/// The same for each thread of the process, in the order of their IDs, all of them of the one
/// process that has `pid` now; empty where there is none. Errors and safety as read_process().
inline std::vector<process_status> read_threads(pid_t pid) {
  return detail::call(detail::read_threads, pid);
}

/// What the process that has `pid` now was executed with (/proc/PID/cmdline), unless it has changed
/// that itself; empty for the kernel's own and for what has ended. Nothing where there is no such
/// process. Errors and safety as read_process().
inline std::optional<std::vector<std::string>> read_command_line(pid_t pid) {
  return detail::call(detail::read_command_line, pid);
}

/// Whether /proc is there and shows this PID namespace (readlink /proc/self is getpid()). All of
/// process.hpp and process_tree.hpp needs it.
/// Thread-safe: yes. Async-signal-safe: no.
SIGKIT_API bool proc_is_usable() noexcept;

/// Every process that /proc shows, in no order; some may have ended since.
/// Throws sigkit::error where /proc cannot be read. Thread-safe: yes. Async-signal-safe: no.
inline std::vector<process_facts> all_processes() {
  return detail::call(detail::all_processes);
}

} // namespace sigkit
