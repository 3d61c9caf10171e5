#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sigkit/error.hpp>
#include <sigkit/export.hpp>

namespace sigkit {

/// What /proc/PID/stat says of a process or of a thread (proc(5)), at one moment.
struct process_facts {
  pid_t pid = 0;
  std::string name;             ///< comm, at most 15 bytes; the process itself chooses them
  char state = '?';             ///< R, S, D, T, t, Z, X, …
  pid_t parent = 0;             ///< 0 where it is outside this PID namespace
  pid_t group = 0;              ///< process group
  pid_t session = 0;            ///< session
  int threads = 0;              ///< how many, one that has ended but leads the others included
  std::uint64_t start_time = 0; ///< clock ticks since boot; with pid it names one process for ever
};

namespace detail {
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
