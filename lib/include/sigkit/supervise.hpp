#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <sigkit/duration.hpp>
#include <sigkit/error.hpp>
#include <sigkit/exit_status.hpp>
#include <sigkit/export.hpp>
#include <sigkit/ladder.hpp>
#include <sigkit/process.hpp>
#include <sigkit/signal_id.hpp>
#include <sigkit/signal_info.hpp>
#include <sigkit/signal_set.hpp>
#include <sigkit/wait.hpp>

namespace sigkit {

/// How a command is watched over.
struct supervise_options {
  /// From before the command is made, by CLOCK_MONOTONIC, time spent stopped included. When it has
  /// passed, the ladder starts. 0: none.
  duration limit{0};

  /// The first rung of the ladder, sent at the limit. It is also what the command gets from the
  /// kernel should the supervisor be killed (parent death signal).
  signal_id signal = sigterm;

  /// The rungs after it. With scope::tree a ladder without KILL ends with KILL after 5 s.
  std::vector<step> steps;

  /// What signals reach. With scope::tree run() returns only when nothing that the command started
  /// is left, or when that could not be achieved (supervise_result::survivors).
  scope reach = scope::group;

  /// No process group is made, and scope::group means the command alone, so that it can use the
  /// terminal as if it was started directly. timeout(1) calls it --foreground.
  bool foreground = false;

  /// This process exists to supervise this command, and does nothing else. It may then lead a
  /// process group with the command in it, be the subreaper of what the command leaves behind
  /// and reap it. Otherwise the command leads its own group, and a process in between reaps.
  bool dedicated_process = false;
};

/// What run() says on the way. Nothing is said while a process is stopped by the supervisor.
/// The functions are called in the thread of run(), and do not throw.
class SIGKIT_API supervise_events {
public:
  virtual ~supervise_events() = default;
  /// `signal` is about to be sent over `reach`.
  virtual void sending(signal_id signal, scope reach) noexcept;
  /// A signal came from outside, and is forwarded unless the terminal sent it to the command too.
  virtual void received(const signal_info& info) noexcept;
};

/// How it went. The first that applied names it.
enum class outcome : unsigned char {
  exited,         ///< the command ended by itself
  signaled,       ///< a signal ended the command, and nothing of the below had happened
  timed_out,      ///< the limit was reached
  interrupted,    ///< a terminating signal from outside was forwarded
  not_found,      ///< there is no such program
  not_executable, ///< there is, and it cannot be run
};

struct supervise_result {
  outcome how = outcome::exited;
  /// The limit was reached while the command ran, or ALRM stood for it. Where a signal from outside
  /// has started a ladder with more rungs, that takes the limit's place.
  bool limit_reached = false;
  /// How the command ended; nothing where it was not started, or is among the survivors.
  std::optional<exit_status> command;
  /// errno of execve(2) for not_found and not_executable.
  int exec_error = 0;
  /// scope::tree: something still ran 5 s after KILL; what of it could be found.
  bool gave_up = false;
  std::vector<process_facts> survivors;
};

inline void supervise_events::sending(signal_id /*signal*/, scope /*reach*/) noexcept {}
inline void supervise_events::received(const signal_info& /*info*/) noexcept {}

namespace detail {
class supervision;
SIGKIT_API supervision* new_supervision(failure& why, const supervise_options& options,
                                        supervise_events* events) noexcept;
SIGKIT_API wait_end begin_supervision(failure& why, supervision& begun, char* const* argv) noexcept;
SIGKIT_API wait_end continue_supervision(failure& why, supervision& begun) noexcept;
SIGKIT_API void abandon_supervision(supervision& begun) noexcept;
SIGKIT_API supervise_result result_of(failure& why, const supervision& ended) noexcept;
SIGKIT_API void delete_supervision(supervision* begun) noexcept;
} // namespace detail

/// Runs one command and stays until it has ended: forwards signals, keeps a time limit, climbs a
/// ladder of signals over a scope, reaps.
///
/// Signals from outside (every terminating one that can be blocked, and is not ignored by
/// inheritance) are forwarded over the scope, and start the ladder after its first rung. INT and
/// QUIT that the terminal sent to the command as well are not forwarded a second time. SIGALRM
/// fires the limit at once.
///
/// What this process sends to itself, and what the kernel tells it of its own timers, children and
/// descriptors, is its own: handlers of this library are called meanwhile, and for what has none
/// the signal is sent again when the object goes. A dedicated process (see the option) has nothing
/// of its own, and forwards these too, but not what it sends to its group.
///
/// signalfd(2), pidfds and ppoll(2) in one loop; no signal handler is installed. For as long as
/// the object lives, signals are blocked in the calling thread, all but CONT, TSTP, WINCH and URG;
/// TTIN and TTOU wait for its end. Where SIGCHLD was ignored it has its default action meanwhile,
/// and other children that end then are left to be waited for. One at a time in a process; other
/// threads, if any, keep signals from outside blocked.
/// Thread-safe: no. Async-signal-safe: no.
class supervisor {
public:
  /// Throws sigkit::error (EINVAL) for a signal that is none, and for a negative time.
  explicit supervisor(const supervise_options& options, supervise_events* events = nullptr)
      : begun_(detail::call(detail::new_supervision, options, events)) {}

  /// Starts argv[0] (ended by a null pointer, as for execvp(3)) and returns when it is over.
  /// Called once (EINVAL). Handlers of signals that are not forwarded, such as CONT and SIGCHLD,
  /// are called meanwhile. Throws sigkit::error where the scope cannot be had (before anything is
  /// started), or where the system refuses what supervising needs, and what handlers throw; then
  /// the command has been killed.
  supervise_result run(char* const* argv) {
    detail::supervision& begun = *begun_;
    auto end = detail::call(detail::begin_supervision, begun, argv);
    while (end == detail::wait_end::again) {
      try {
        dispatch();
      } catch (...) {
        detail::abandon_supervision(begun);
        throw;
      }
      end = detail::call(detail::continue_supervision, begun);
    }
    return detail::call(detail::result_of, begun);
  }

private:
  struct deleter {
    void operator()(detail::supervision* begun) const noexcept {
      detail::delete_supervision(begun);
    }
  };
  std::unique_ptr<detail::supervision, deleter> begun_;
};

} // namespace sigkit
