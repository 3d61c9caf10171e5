#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <sigkit/duration.hpp>
#include <sigkit/error.hpp>
#include <sigkit/exit_status.hpp>
#include <sigkit/export.hpp>
#include <sigkit/ladder.hpp>
#include <sigkit/pidfd.hpp>
#include <sigkit/process.hpp>
#include <sigkit/signal_id.hpp>
#include <sigkit/signal_info.hpp>
#include <sigkit/signal_set.hpp>
#include <sigkit/trap.hpp>
#include <sigkit/wait.hpp>

namespace sigkit {

/// What becomes of descendants of the command that are left when it has ended.
enum class orphans : unsigned char {
  by_scope, ///< kill where the scope reaches all (tree, cgroup, pid_namespace), else leave
  leave,    ///< run() returns, and they go on
  wait,     ///< run() returns when they have ended too; limits, but `idle`, go on and are for them
  kill,     ///< the ladder, over the tree, at once
};

/// What the command gets in place of stdout and stderr, where what it writes is passed on.
enum class relay_by : unsigned char {
  pipe,
  same_kind, ///< a pseudo-terminal for what is a terminal, else a pipe
  terminal,  ///< the same, and a pseudo-terminal for stdout in any case
};

/// How a command is watched over. A time of 0 switches off what it is for.
struct supervise_options {
  /// From before the command is made, by CLOCK_MONOTONIC, time spent stopped included. When it has
  /// passed, the ladder starts.
  duration limit{0};

  /// Another limit: a time of the wall clock. The clock being set is followed.
  std::optional<std::chrono::system_clock::time_point> until;

  /// Another: the command has written nothing for so long. Its output is passed on then (see
  /// relay). Time does not count while the job is stopped, or the reader of the output takes none.
  duration idle{0};

  /// Another: processor time that the command and its descendants have used, those included that
  /// were reaped. Sampled every 100 ms, and sooner near the limit.
  duration cpu{0};

  /// So long before `limit` or `until`, whichever comes first, supervise_events::warning() is
  /// called, and `warn_signal` sent to the command.
  duration warn{0};
  signal_id warn_signal = signull;

  duration heartbeat{0}; ///< supervise_events::heartbeat() is called so often
  duration tick{0};      ///< the same for supervise_events::tick()

  /// The first rung of the ladder, sent at the limit. It is also what the command gets from the
  /// kernel should the supervisor be killed (parent death signal).
  signal_id signal = sigterm;

  /// The rungs after it. Where the scope reaches all, a ladder without KILL ends with KILL after
  /// 5 s.
  std::vector<step> steps;

  /// What signals reach. Where that is all (reaches_all()), run() returns only when nothing that
  /// the command started is left, or when that could not be achieved (supervise_result::survivors).
  /// A step over a PID namespace needs that scope here.
  scope reach = scope::group;

  orphans left_behind = orphans::by_scope;

  /// What the command writes to stdout and stderr passes through this process, unchanged. Nothing:
  /// only where `idle` needs it, by pipe.
  std::optional<relay_by> relay;

  /// What supervise_events::at_limit() returned is waited for so long, then killed with its group.
  duration hook_limit = std::chrono::seconds(10);

  /// All descendants are found whatever the scope is, daemons included: for who looks at them at a
  /// limit (run_state::root).
  bool find_all = false;

  /// The same, and memory, processor time and the targets of each step are kept (supervise_result),
  /// and kills for want of memory told from others.
  bool accounting = false;

  /// No process group is made, and scope::group means the command alone, so that it can use the
  /// terminal as if it was started directly. timeout(1) calls it --foreground.
  bool foreground = false;

  /// What the command does with signals when it starts, where that is not what this process
  /// inherited (spawn_options; `block` and `unblock` change the mask).
  signal_set ignore;
  signal_set reset;
  signal_set block;
  signal_set unblock;

  /// This process stands in for the command: who sends a signal here means the command. All that
  /// can be forwarded are then, as they came, with the value and the sender of queued ones, also
  /// CONT, TSTP, WINCH, URG and ALRM, and those that are ignored by inheritance. Not forwarded are
  /// CHLD, TTIN and TTOU, what the terminal has sent to the command as well, and TERM, INT, HUP and
  /// QUIT that come back within a second from the group they went to. The ladder starts after a
  /// signal that came as TERM or INT, or was sent as such in place of another, and after a HUP that
  /// was forwarded, if it has rungs after the first (and the command was not started with that
  /// signal ignored); no KILL is added to it before the command has ended. When the command is
  /// stopped, this process stops itself, and they go on together.
  bool stand_in = false;

  /// With `stand_in`: what is done for signals in place of forwarding them, and at the end, when
  /// the command has ended and what `left_behind` asks for is done. Those of different signals run
  /// side by side. A signal waits while actions of the same signal run.
  std::vector<trap> traps;

  /// How long actions may go on when run() has to return, and each of those for the end from when
  /// it began; those that do are killed with their groups. 0: for ever.
  duration action_limit = std::chrono::seconds(10);

  /// Exit statuses of the command, as a shell's $?, that stand for another (first, second).
  std::vector<std::pair<int, int>> remap;

  /// Sent over the scope when the parent of this process ends; signull: nothing.
  signal_id parent_death = signull;

  /// Every process whose parent dies below this one is reaped, as PID 1 has to
  /// (PR_SET_CHILD_SUBREAPER of prctl(2)), and any other child. For a dedicated process (EINVAL).
  bool reap_orphans = false;

  /// Where the command leads a session (scope::session), the terminal that stdin is goes over to
  /// it: from this process, if it leads the terminal's session, or from nobody.
  bool give_terminal = false;

  /// This process exists to supervise this command, and does nothing else. It may then lead a
  /// process group with the command in it, be the subreaper of what the command leaves behind
  /// and reap it. Otherwise the command leads its own group, and a process in between reaps.
  bool dedicated_process = false;

  /// As in spawn_options: no signal is caught here, so that starting the command takes less.
  bool catches_none = false;
};

/// How it went. The first that applied names it.
enum class outcome : unsigned char {
  exited,         ///< the command ended by itself
  signaled,       ///< a signal ended the command, and nothing of the below had happened
  timed_out,      ///< supervise_options::limit was reached
  idle,           ///< supervise_options::idle was
  cpu_limit,      ///< supervise_options::cpu was
  deadline,       ///< supervise_options::until was
  interrupted,    ///< a terminating signal from outside was forwarded (not with `stand_in`)
  out_of_memory,  ///< KILL ended the command, not sent from here, and its cgroup counted a kill
  not_found,      ///< there is no such program
  not_executable, ///< there is, and it cannot be run
  failed,         ///< the supervisor failed; no run() returns it, reports may need the word
};

/// The name of the value: "timed_out". Thread-safe: yes. Async-signal-safe: yes.
SIGKIT_API const char* to_string(outcome how) noexcept;

/// Where a run is.
struct run_state {
  duration elapsed{0};
  std::optional<duration> left;   ///< to the nearer of `limit` and `until`
  std::optional<duration> silent; ///< since the last output, where it is passed on
  pid_t command = 0;              ///< 0 when it has ended
  pid_t root = 0; ///< its descendants are the command and all that it started, as far as found
};

/// What run() says on the way. Nothing is said while a process is stopped by the supervisor.
/// The functions are called in the thread of run(), which waits for them: they should not wait
/// themselves. What they throw ends the program.
class SIGKIT_API supervise_events {
public:
  virtual ~supervise_events() = default;
  /// `signal` is about to be sent over `reach`.
  virtual void sending(signal_id signal, scope reach) noexcept;
  /// A signal came from outside, and is forwarded unless the terminal sent it to the command too,
  /// or a trap is there for it.
  virtual void received(const signal_info& info) noexcept;
  /// A limit was reached, which `why` names; nothing has been sent yet. A process that is returned,
  /// a child that leads a group of its own, is waited for before anything is.
  virtual std::optional<pidfd> at_limit(outcome why, const run_state& now) noexcept;
  /// That process was killed, since it took longer than supervise_options::hook_limit.
  virtual void hook_killed() noexcept;
  virtual void warning(const run_state& now) noexcept;
  virtual void heartbeat(const run_state& now) noexcept;
  virtual void tick(const run_state& now) noexcept;
  /// The command has ended, and others can still write where it did: they get a broken pipe now.
  virtual void output_cut() noexcept;
  /// After a limit, or a signal from outside, nobody read the command's output for 5 s; what was
  /// left of it is dropped.
  virtual void output_dropped() noexcept;
  /// The command has ended.
  virtual void command_ended(exit_status how) noexcept;
  /// A trap of the kind `run`. A process that is returned, a child that leads a group of its own,
  /// is waited for before the next action of the same signal.
  virtual std::optional<pidfd> run_action(const trap_occasion& why) noexcept;
  /// What it started has ended, or was killed, since it took longer than
  /// supervise_options::action_limit.
  virtual void action_ended(const trap_occasion& why, exit_status how) noexcept;
  virtual void action_killed(const trap_occasion& why) noexcept;
  /// A signal that came is not sent on: a trap drops it, or the command had it without that.
  virtual void not_forwarded(const signal_info& info, bool has_it) noexcept;
  /// The command did not get a signal, since the kernel refused it with `error`, a value of errno
  /// (EPERM: it belongs to another user by now).
  virtual void not_sent(signal_id signal, int error) noexcept;
  /// So many signals still waited for their actions when these were given up.
  virtual void actions_given_up(std::size_t waiting) noexcept;
};

/// A signal that was sent.
struct sent_signal {
  duration at{0}; ///< since the start
  signal_id signal = signull;
  scope reach = scope::process;
  std::vector<process_facts> targets; ///< with supervise_options::accounting
};

struct supervise_result {
  outcome how = outcome::exited;
  /// A limit was reached while the command ran, or ALRM stood for it. One that is reached while the
  /// ladder of a signal from outside is climbed waits for its end, and is not there after KILL.
  bool limit_reached = false;
  /// How the command ended; nothing where it was not started, or is among the survivors.
  std::optional<exit_status> command;
  /// What to exit with, where that is not as the command ended: by a trap's action `leave`, or by
  /// supervise_options::remap.
  std::optional<int> status;
  /// errno of execve(2) for not_found and not_executable.
  int exec_error = 0;
  /// The scope reaches all: something still ran 5 s after KILL; what of it could be found.
  bool gave_up = false;
  std::vector<process_facts> survivors;
  /// The first signal from outside that was forwarded; with supervise_options::stand_in the first
  /// TERM, INT or HUP.
  std::optional<signal_info> interrupted_by;
  /// errno of a write of the command's output that failed, other than for want of a reader; 0:
  /// none.
  int output_error = 0;
  duration elapsed{0};
  /// The ladder's, and what was forwarded (with supervise_options::stand_in: with `accounting`).
  std::vector<sent_signal> sent;
  // With supervise_options::accounting, 0 without:
  duration cpu_time{0};          ///< of the command and its descendants, user and system
  std::uint64_t peak_memory = 0; ///< bytes; the most that was resident at once, as sampled
};

inline void supervise_events::sending(signal_id /*signal*/, scope /*reach*/) noexcept {}
inline void supervise_events::received(const signal_info& /*info*/) noexcept {}
inline std::optional<pidfd> supervise_events::at_limit(outcome /*why*/,
                                                       const run_state& /*now*/) noexcept {
  return std::nullopt;
}
inline void supervise_events::hook_killed() noexcept {}
inline void supervise_events::warning(const run_state& /*now*/) noexcept {}
inline void supervise_events::heartbeat(const run_state& /*now*/) noexcept {}
inline void supervise_events::tick(const run_state& /*now*/) noexcept {}
inline void supervise_events::output_cut() noexcept {}
inline void supervise_events::output_dropped() noexcept {}
inline void supervise_events::command_ended(exit_status /*how*/) noexcept {}
inline std::optional<pidfd> supervise_events::run_action(const trap_occasion& /*why*/) noexcept {
  return std::nullopt;
}
inline void supervise_events::action_ended(const trap_occasion& /*why*/,
                                           exit_status /*how*/) noexcept {}
inline void supervise_events::action_killed(const trap_occasion& /*why*/) noexcept {}
inline void supervise_events::not_forwarded(const signal_info& /*info*/, bool /*has_it*/) noexcept {
}
inline void supervise_events::not_sent(signal_id /*signal*/, int /*error*/) noexcept {}
inline void supervise_events::actions_given_up(std::size_t /*waiting*/) noexcept {}

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
/// fires the limit at once. supervise_options::stand_in and `traps` change that.
///
/// What this process sends to itself, and what the kernel tells it of its own timers, children and
/// descriptors, is its own: handlers of this library are called meanwhile, and for what has none
/// the signal is sent again when the object goes. A dedicated process (see the option) has nothing
/// of its own, and forwards these too, but not what it sends to its group.
///
/// A cgroup scope makes a cgroup below the one of this process, and removes it at the end. A PID
/// namespace has a process of ours as its PID 1, and one outside that waits for it; the command has
/// a /proc of its own where it may be mounted, and a user namespace where this process may not make
/// the other without.
///
/// signalfd(2), pidfds and ppoll(2) in one loop; no signal handler is installed. For as long as
/// the object lives, signals are blocked in the calling thread, all but CONT, TSTP, WINCH and URG
/// (with `stand_in`: all); TTIN and TTOU wait for its end. Where SIGCHLD was ignored it has its
/// default action meanwhile, and other children that end then are left to be waited for. One at a
/// time in a process; other threads, if any, keep signals from outside blocked. Thread-safe: no.
/// Async-signal-safe: no.
class supervisor {
public:
  /// Throws sigkit::error (EINVAL) for a signal that is none, a negative time, a step over a PID
  /// namespace where the scope is another, leaving something of one, traps without `stand_in`, and
  /// `reap_orphans` without `dedicated_process`.
  explicit supervisor(const supervise_options& options, supervise_events* events = nullptr)
      : begun_(detail::call(detail::new_supervision, options, events)) {}

  /// Starts argv[0] (ended by a null pointer, as for execvp(3)) and returns when it is over.
  /// Called once (EINVAL). Handlers of signals that are not forwarded, such as CONT and SIGCHLD,
  /// are called meanwhile. Throws sigkit::error where the scope cannot be had (before anything is
  /// started: ENOENT without a /proc of this PID namespace, EMFILE with room for less than 24 open
  /// files; ENODEV, ENOTSUP, EACCES for a cgroup, EPERM for a PID namespace), or where the system
  /// refuses what supervising needs (ESRCH: the process in between was killed), and what handlers
  /// throw; then the command has been killed.
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
