#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include <sigkit/duration.hpp>
#include <sigkit/error.hpp>
#include <sigkit/export.hpp>
#include <sigkit/ladder.hpp>
#include <sigkit/pidfd.hpp>
#include <sigkit/process.hpp>
#include <sigkit/process_ref.hpp>
#include <sigkit/signal_id.hpp>
#include <sigkit/wait.hpp>

namespace sigkit {

/// What came of a signal for one process, thread or group.
enum class sending : unsigned char {
  not_tried,     ///< nothing was sent (yet)
  sent,          ///< the kernel took it
  gone,          ///< it has ended, and was reaped
  not_permitted, ///< it belongs to another user
  no_handler,    ///< it does not catch the signal, which was required
  queue_full,    ///< as many signals wait for it as RLIMIT_SIGPENDING of getrlimit(2) allows
};

/// "not_tried", "sent", "gone" and so on. Thread-safe and async-signal-safe.
SIGKIT_API const char* to_string(sending outcome) noexcept;

/// One step that somebody was sent, or was not.
struct taken_step {
  signal_id signal = signull;
  duration at{}; ///< since the first step
  sending outcome = sending::not_tried;
};

/// Whom signals were for, and what came of each.
struct addressee {
  enum class kind : unsigned char { process, thread, group };
  kind is = kind::process;
  pid_t id = 0;          ///< PID, thread ID, or process group: 0 is the caller's own, -1 everyone
  process_facts facts;   ///< of a process or of a thread's, as they were read last; pid 0: not read
  bool by_scope = false; ///< reached by a scope, or as member of a group; not added itself
  std::vector<taken_step> steps; ///< in their order
  std::optional<duration> ended; ///< when it was seen to have ended, since the first step

  /// Of the last step that found it; not_tried where there was none.
  [[nodiscard]] sending outcome() const noexcept {
    sending result = sending::not_tried;
    for (const taken_step& step : steps)
      if (result != sending::sent || step.outcome != sending::gone) result = step.outcome;
    return result;
  }
};

/// What is sent, and how far it goes.
struct escalation_options {
  signal_id signal = sigterm;
  std::vector<step> steps; ///< after it, each to those that are still there; a `never` ends them
  scope reach = scope::process;      ///< what each process stands for: process to cgroup
  std::optional<int> value;          ///< with the signals, as sigqueue(3) has it
  bool require_handler = false;      ///< only to processes that catch the first signal
  bool include_self = false;         ///< a scope may reach this process and its ancestors
  bool hold_members = false;         ///< members of groups are found, and told, in any case
  std::optional<duration> wait = {}; ///< after the last step: until all have ended, so long at most
};

namespace detail {
class escalation_run;
SIGKIT_API escalation_run* new_escalation(failure& why, const escalation_options& options) noexcept;
SIGKIT_API void delete_escalation(escalation_run* run) noexcept;
SIGKIT_API void add_process(failure& why, escalation_run& run, process_ref& whom) noexcept;
SIGKIT_API bool add_thread(failure& why, escalation_run& run, pid_t thread, pid_t process) noexcept;
SIGKIT_API void add_group(failure& why, escalation_run& run, pid_t group) noexcept;
SIGKIT_API void find_addressees(failure& why, escalation_run& run) noexcept;
SIGKIT_API void check_addressees(failure& why, escalation_run& run) noexcept;
SIGKIT_API wait_end continue_escalation(failure& why, escalation_run& run) noexcept;
SIGKIT_API const std::vector<addressee>& addressees_of(const escalation_run& run) noexcept;
SIGKIT_API bool reaches_self(const escalation_run& run) noexcept;
} // namespace detail

/// Sends a signal to processes that need not be children, over a scope, and climbs a ladder: each
/// next step goes only to those of the same processes that are still there.
///
/// Each one is held by a pidfd, or by what identifies it, so none that got its PID meanwhile is
/// ever hit. A group goes by kill(2), in one call, that no fork can slip through; its members are
/// found first where there are further steps, a wait or a value, and these go to them one by one.
///
/// A tree is stopped from the top before a signal that terminates, as send_tree() does it, and
/// continued afterwards. A process whose parents have ended is found where it is in a session that
/// a member leads, in a group that a member leads (and is now a child of PID 1 or of an ancestor of
/// the root, but for its parent), or in the root's cgroup below the hierarchy's root, which the
/// root's parent is not in. A cgroup (version 2) is frozen, and its tree with it. Process groups
/// and sessions are gone over until nothing new is found. After a signal that terminates, CONT goes
/// to all that a scope has reached.
///
/// This process and its ancestors are never stopped, and reached only by include_self, after all
/// others. Where there are further steps or a wait, nothing is sent to this process, its own
/// group's signal included. Handlers of this library are called while it waits. Thread-safe: no.
/// Async-signal-safe: no.
class escalation {
public:
  /// Throws sigkit::error (EINVAL: no such signal, a scope for commands only, a negative time;
  /// ENOENT: require_handler needs a /proc of this PID namespace).
  explicit escalation(const escalation_options& options)
      : run_(detail::call(detail::new_escalation, options)) {}

  /// A process; the same one twice is one.
  void add(process_ref whom) { detail::call(detail::add_process, *run_, whom); }

  /// A thread, by its ID as gettid(2) gives it (pidfd_open(2) with PIDFD_THREAD, tgkill(2) before
  /// Linux 6.9; then a ladder, a wait and a value are ENOSYS, and so is a thread of a process that
  /// is not known where there is no /proc); false where there is none, or where it is not one of
  /// `process` (0: of any). EINVAL with a scope, or for an ID below 1; else as pidfd::open().
  bool add_thread(pid_t thread, pid_t process = 0) {
    return detail::call(detail::add_thread, *run_, thread, process);
  }

  /// A process group as it is at the first step; 0: the caller's own, -1: every process but PID 1
  /// and this one. EINVAL: another number that is not above 1, or with a scope.
  void add_group(pid_t group) { detail::call(detail::add_group, *run_, group); }

  /// Finds whom the scopes of all steps reach now, so that addressees() has them before anything is
  /// sent. run() does it where it was not done.
  /// Throws sigkit::error (ENOENT: needs /proc, which does not show this PID namespace; EACCES: it
  /// hides a process that stands for others; ENODEV: no cgroup of version 2, or a group or session
  /// outside this PID namespace; EMFILE, ENFILE). Nobody is added afterwards (EINVAL).
  void find() { detail::call(detail::find_addressees, *run_); }

  /// Asks of each what would come of the first signal, and sends nothing (kill(2) with 0, and what
  /// require_handler looks at): who would not get it has a step that says so. In place of run().
  /// Throws what find() does.
  void check() {
    find();
    detail::call(detail::check_addressees, *run_);
  }

  /// Whether a scope reaches this process, one of its ancestors, or the root of all cgroups. For
  /// run() that is an error (EPERM), unless include_self is given. After find().
  [[nodiscard]] bool reaches_self() const noexcept { return detail::reaches_self(*run_); }

  /// Takes all steps, and waits where that is asked for; called once. False where `wait` is over
  /// and not all have ended. Throws sigkit::error (as find(), EPERM; EMFILE), and what handlers
  /// throw: what was to come is not sent then.
  bool run() {
    find();
    return detail::wait_in_steps(
        [this] { return detail::call(detail::continue_escalation, *run_); });
  }

  /// Those that were added, in their order, then those that were found. Valid until the next call.
  [[nodiscard]] const std::vector<addressee>& addressees() const noexcept {
    return detail::addressees_of(*run_);
  }

private:
  struct deleter {
    void operator()(detail::escalation_run* run) const noexcept { detail::delete_escalation(run); }
  };
  std::unique_ptr<detail::escalation_run, deleter> run_;
};

} // namespace sigkit
