#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include <sigkit/error.hpp>
#include <sigkit/export.hpp>
#include <sigkit/process.hpp>
#include <sigkit/signal_id.hpp>
#include <sigkit/signal_set.hpp>

namespace sigkit {

/// One thread, and what it does with signals, at one moment.
struct thread_signals {
  process_status status;
  /// What it waits for by sigwait(3), sigwaitinfo(2) or sigtimedwait(2). For as long as it waits,
  /// the kernel has these unblocked. They are taken for blocked at other times, as POSIX wants it.
  signal_set awaited;
};

/// A process, and what it does with signals, at one moment.
struct process_signals {
  process_facts facts;
  process_status status;               ///< `pending` and `blocked` are those of the first thread
  std::vector<thread_signals> threads; ///< those that live, in the order of their IDs; the first
                                       ///< thread first
  signal_set by_descriptor;            ///< what its signalfd(2)s read
  /// Whether what the threads wait for, and the signalfds, were read: ptrace(2) says who may.
  /// Where not, they are empty.
  bool is_complete = true;

  /// How many threads block it: where all do, what is sent to the process stays pending.
  [[nodiscard]] SIGKIT_API std::size_t count_blocking(signal_id signal) const noexcept;
  /// For how many threads alone it is pending.
  [[nodiscard]] SIGKIT_API std::size_t count_pending(signal_id signal) const noexcept;
  /// What a thread waits for.
  [[nodiscard]] SIGKIT_API signal_set awaited() const noexcept;
};

/// What comes of a signal that is sent.
struct reaction {
  enum class effect : unsigned char {
    none,    ///< `why` says why
    handler, ///< runs
    terminate,
    core, ///< terminates, and dumps core where limits allow it
    stop,
    resume, ///< what was stopped goes on
    pend,   ///< stays pending; `why` says why
    taken,  ///< by a thread that waits for it (sigwait(3))
    traced, ///< who traces the process decides (ptrace(2))
  };
  enum class reason : unsigned char {
    none,
    ignored,
    default_ignored, ///< its default action is to do nothing
    default_stop,    ///< stops only where its process group is not orphaned (TSTP, TTIN, TTOU)
    not_stopped,     ///< CONT
    is_stopped,      ///< a stop signal does no more, any other one waits until the process goes on
    is_init,         ///< PID 1 of its namespace gets only what it catches
    has_ended,
    blocked,
    read_by_descriptor, ///< blocked, until a signalfd(2) reads it
  };
  effect what = effect::none;
  reason why = reason::none;
  bool resumes = false; ///< besides, what was stopped goes on (CONT)
  bool operator==(const reaction&) const = default;
};

namespace detail {
SIGKIT_API std::optional<process_signals> read_signals(failure& why, pid_t pid) noexcept;
} // namespace detail

/// What the process that has `pid` now, and each of its threads, does with signals: /proc/PID/stat,
/// status, and of each thread status and wchan, syscall and mem where it may wait for signals;
/// where it blocks any, its descriptors too. The ID of a thread stands for its process, as it does
/// for kill(2). Nothing where there is none, or where /proc hides it. Throws sigkit::error where no
/// file can be opened (EMFILE, ENFILE, ENOMEM). Thread-safe: yes. Async-signal-safe: no.
inline std::optional<process_signals> read_signals(pid_t pid) {
  return detail::call(detail::read_signals, pid);
}

/// What would happen if this process sent `signal` to that one now (kill(2)), as the kernel's rules
/// have it. What was not read (process_signals::is_complete) cannot be told.
/// Thread-safe: yes. Async-signal-safe: no.
[[nodiscard]] SIGKIT_API reaction reaction_to(signal_id signal,
                                              const process_signals& process) noexcept;

/// The same for one of its threads (tgkill(2)). Safety as above.
[[nodiscard]] SIGKIT_API reaction reaction_to(signal_id signal, const process_signals& process,
                                              const thread_signals& thread) noexcept;

/// "runs its handler", "terminates it", "stays pending: blocked", "nothing: ignored".
/// Thread-safe: yes. Async-signal-safe: no.
SIGKIT_API std::string to_string(const reaction& outcome);

} // namespace sigkit
