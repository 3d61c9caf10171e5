#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sigkit/duration.hpp>
#include <sigkit/error.hpp>
#include <sigkit/export.hpp>
#include <sigkit/process.hpp>
#include <sigkit/signal_set.hpp>

namespace sigkit {

/// What one thread is doing, at one moment. What may not be read (ptrace(2) says who may), or is
/// not there, is empty.
struct thread_diagnosis {
  pid_t id = 0;             ///< its thread ID; the first thread's is the PID
  std::string name;         ///< comm, at most 15 bytes; the thread itself chooses them
  char state = '?';         ///< R, S, D, T, t, Z, X, …
  std::string wait_channel; ///< the kernel's function that it waits in; empty where it runs
  std::string system_call;  ///< "read"; digits where the number has no known name
  std::optional<std::uint64_t> first_argument; ///< of that call
  std::string
      waits_on;       ///< what that argument is, where it is a descriptor: "pipe:[123]", "/dev/tty"
  signal_set blocked; ///< by this thread
  signal_set pending; ///< for this thread alone
};

/// What one process is doing, at one moment.
struct process_diagnosis {
  process_facts facts;
  int depth = 0; ///< 0: a child of the root
  /// As read_command_line() says it; at most 16 KiB of it. Empty as well where a thread is in
  /// uninterruptible sleep: reading it could wait for the same thing as that thread.
  std::vector<std::string> command_line;
  duration cpu_time{};                   ///< user and system, of all its threads, without children
  std::uint64_t memory = 0;              ///< resident, in bytes
  duration age{};                        ///< since it was made
  signal_set caught;                     ///< by the process
  signal_set ignored;                    ///< by the process
  signal_set blocked;                    ///< by its first thread
  signal_set pending;                    ///< for the process, and for its first thread
  std::vector<thread_diagnosis> threads; ///< its first thread first
};

namespace detail {
SIGKIT_API std::vector<process_diagnosis> diagnose(failure& why, pid_t root, pid_t except) noexcept;
} // namespace detail

/// What every descendant of `root` is doing, as /proc tells (stat, status, cmdline, and wchan,
/// syscall and fd of each thread): each process before its children, older children first, so that
/// it can be drawn as a tree. `except` and its descendants are left out (0: nobody).
///
/// Nothing is stopped, so two processes are seen at two moments. One that ends meanwhile is left
/// out, and so is one that /proc hides; one that has ended and was not waited for is there, in
/// state Z. After a second only the first thread of each process is looked at.
/// Empty where `root` has ended. Throws sigkit::error where /proc is not usable, or no file can be
/// opened (EMFILE, ENFILE, ENOMEM). Thread-safe: yes. Async-signal-safe: no.
inline std::vector<process_diagnosis> diagnose(pid_t root, pid_t except = 0) {
  return detail::call(detail::diagnose, root, except);
}

} // namespace sigkit
