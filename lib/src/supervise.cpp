#include <sigkit/supervise.hpp>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <sigkit/disposition.hpp>
#include <sigkit/mask.hpp>
#include <sigkit/pidfd.hpp>
#include <sigkit/process_tree.hpp>
#include <sigkit/spawn.hpp>

#include "command_scope.hpp"
#include "notes.hpp"
#include "own_wake.hpp"
#include "reaper.hpp"
#include "rungs.hpp"
#include "system.hpp"

namespace sigkit {

namespace {

using time_point = sys::clock::time_point;

constexpr duration reaping_limit = std::chrono::seconds(1);
constexpr duration survivors_limit = std::chrono::seconds(5);
constexpr duration first_sweep = std::chrono::milliseconds(5);
constexpr duration longest_sweep = std::chrono::milliseconds(200);

/// What is blocked while supervising. CONT and TSTP keep their effect on this process: as part of
/// a job it stops and goes on with it. WINCH and URG end nobody.
signal_set blocked_signals() {
  return signal_set::changeable() - signal_set{sigcont, sigtstp, sigwinch, sigurg};
}

/// What is read and acted on. TTIN and TTOU are blocked, so that a message reaches the terminal
/// from the background too, and nothing else.
signal_set handled_signals() {
  return blocked_signals() - signal_set{sigttin, sigttou};
}

bool has_children() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0;
}

/// For as long as it lives children are not reaped by the kernel, and their status not lost, as
/// they would be with a SIGCHLD that is ignored or has SA_NOCLDWAIT. A handler of it stays.
class kept_children {
public:
  kept_children() {
    if (::sigaction(SIGCHLD, nullptr, &previous_) != 0) fail(errno, "sigaction(2) of CHLD");
    if (!was_ignored() && (previous_.sa_flags & SA_NOCLDWAIT) == 0) return;
    struct sigaction action = previous_;
    action.sa_flags &= ~SA_NOCLDWAIT;
    if (was_ignored()) action.sa_handler = SIG_DFL;
    ::sigaction(SIGCHLD, &action, nullptr);
    changed_ = true;
  }
  kept_children(const kept_children&) = delete;
  kept_children& operator=(const kept_children&) = delete;
  ~kept_children() {
    if (changed_) ::sigaction(SIGCHLD, &previous_, nullptr);
  }

  [[nodiscard]] bool was_ignored() const noexcept { return previous_.sa_handler == SIG_IGN; }

private:
  struct sigaction previous_ {};
  bool changed_ = false;
};

/// Whether it is not from outside: what this process sends to itself, and what the kernel tells it
/// of its own children, timers, descriptors and limits.
bool is_own(const signal_info& info) {
  if (info.signal == sigchld) return true;
  if (info.code == SI_KERNEL)
    return signal_set{sigalrm, sigvtalrm, sigprof, sigxcpu}.contains(info.signal);
  const bool was_sent = info.code == SI_USER || info.code == SI_QUEUE || info.code == SI_TKILL;
  return !was_sent || info.pid == ::getpid();
}

/// Signals that were read, and are for the program that supervises. Its handlers of this library
/// get them at once; for all others they are sent again, to this thread, at the end.
class programs_own_signals {
public:
  programs_own_signals() = default;
  programs_own_signals(const programs_own_signals&) = delete;
  programs_own_signals& operator=(const programs_own_signals&) = delete;
  ~programs_own_signals() {
    for (siginfo_t& info : for_later_)
      ::syscall(SYS_rt_tgsigqueueinfo, ::getpid(), ::gettid(), info.si_signo, &info);
  }

  void give(siginfo_t& info) {
    struct sigaction action {};
    if (::sigaction(info.si_signo, nullptr, &action) != 0 || action.sa_handler == SIG_IGN) return;
    if (action.sa_sigaction == &notes::on_signal) {
      const scoped_mask as_in_a_handler(mask_change::block, signal_set::all());
      notes::on_signal(info.si_signo, &info, nullptr);
    } else if (!is_merged(info)) {
      for_later_.push_back(info);
    }
  }

private:
  /// The kernel holds one of a standard signal, and one of a timer.
  [[nodiscard]] bool is_merged(const siginfo_t& info) const {
    const bool one_at_a_time = !signal_id(info.si_signo).is_real_time() || info.si_code == SI_TIMER;
    return one_at_a_time &&
           std::any_of(for_later_.begin(), for_later_.end(), [&](const auto& held) {
             return held.si_signo == info.si_signo && held.si_code == info.si_code;
           });
  }

  std::vector<siginfo_t> for_later_;
};

} // namespace

class detail::supervision {
public:
  supervision(supervise_options options, supervise_events* events)
      : options_(std::move(options)), events_(events != nullptr ? events : &silent_),
        rungs_(options_) {
    check();
  }
  supervision(const supervision&) = delete;
  supervision& operator=(const supervision&) = delete;
  ~supervision() {
    if (is_subreaper_ && was_subreaper_ == 0) ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  }

  /// Both return when the command has ended, and with wait_end::again when handlers are due.
  wait_end begin(char* const* argv);
  wait_end go_on();
  void kill_command() noexcept;
  [[nodiscard]] const supervise_result& result() const noexcept { return result_; }

private:
  void check() const;
  bool start(char* const* argv);
  static void require_descriptors();
  void become_subreaper();
  spawn_result start_command(char* const* argv, const spawn_options& how);
  [[nodiscard]] bool finished() const;
  bool wait_for_something();
  void read_signals();
  void handle(siginfo_t& received);
  [[nodiscard]] bool is_ignored(signal_id signal) const;
  void forward(const signal_info& info);
  void reap();
  void reap_command();
  void reap_descendants();
  void command_ended(std::optional<exit_status> status);
  void act_on_time();
  void fire_limit(time_point now);
  void reach_limit(time_point now);
  void name_outcome(outcome how);
  void send(signal_id signal, scope reach);
  void begin_sweeping(time_point now);
  void sweep(time_point now);

  supervise_options options_;
  supervise_events silent_;
  supervise_events* events_;
  programs_own_signals own_signals_; ///< sent again when the mask is as before
  const scoped_mask mask_{mask_change::block, blocked_signals()};
  const kept_children child_signal_;
  rungs rungs_;

  std::optional<command_scope> scope_;
  std::optional<reaper> reaper_;
  std::optional<pidfd> command_;
  const signal_set handled_ = handled_signals();
  unique_fd signals_;

  bool has_outcome_ = false;
  bool begun_ = false;
  bool is_subreaper_ = false;
  int was_subreaper_ = 0;
  bool all_gone_ = false; ///< scope::tree: no descendant is left
  bool given_up_ = false; ///< scope::tree: something is, and KILL does not end it
  bool limit_fires_ = false;
  time_point limit_due_ = time_point::max();
  signal_set sent_to_group_; ///< and so come back to us, as members of the group
  time_point sweep_due_ = time_point::max();
  time_point give_up_due_ = time_point::max();
  duration sweep_pause_ = first_sweep;
  supervise_result result_;
};

/// What would be found out only when it is to be sent.
void detail::supervision::check() const {
  const auto check_signal = [](signal_id signal) {
    if (!signal_id::from_number(signal.number()))
      fail(EINVAL, "a supervisor that sends signal " + signal.name());
  };
  const auto check_time = [](duration length) {
    if (length < duration::zero()) fail(EINVAL, "a supervisor with a negative time");
  };
  check_signal(options_.signal);
  check_time(options_.limit);
  for (const step& one : options_.steps) {
    check_signal(one.signal);
    check_time(one.after);
  }
}

detail::wait_end detail::supervision::begin(char* const* argv) {
  if (std::exchange(begun_, true)) fail(EINVAL, "a supervisor that is run a second time");
  try {
    if (!start(argv)) return wait_end::ready;
  } catch (...) {
    kill_command();
    throw;
  }
  return go_on();
}

detail::wait_end detail::supervision::go_on() {
  try {
    while (!finished()) {
      const bool handlers_due = wait_for_something();
      read_signals();
      reap();
      if (!finished()) act_on_time();
      if (handlers_due && !finished()) return wait_end::again;
    }
  } catch (...) {
    kill_command();
    throw;
  }
  if (result_.command)
    name_outcome(result_.command->signal() ? outcome::signaled : outcome::exited);
  return wait_end::ready;
}

/// False where the program could not be executed.
bool detail::supervision::start(char* const* argv) {
  const bool needs_tree = rungs_.has_scope(scope::tree);
  const bool needs_proc = needs_tree || rungs_.has_scope(scope::session);
  if (needs_proc && !proc_is_usable())
    fail(ENOENT, "a scope of tree or session: /proc does not show this PID namespace");
  if (needs_proc) require_descriptors();
  const bool had_children = options_.dedicated_process && has_children();
  const bool new_session = rungs_.has_scope(scope::session);
  signals_ = sys::make_signalfd(handled_);
  scope_.emplace(command_scope::setting{.foreground = options_.foreground,
                                        .dedicated_process = options_.dedicated_process,
                                        .new_session = new_session,
                                        .had_children = had_children});

  spawn_options how;
  how.mask = mask_.previous();
  if (child_signal_.was_ignored()) how.ignore.insert(sigchld);
  how.parent_death = options_.signal;
  how.new_session = new_session;
  if (!new_session && scope_->group() == grouping::command) how.group = 0;
  // In the terminal's foreground group, what the command started is told by whom it descends from.
  const bool needs_orphans = needs_tree || scope_->group() == grouping::foreground;
  if (needs_tree && (had_children || !options_.dedicated_process))
    reaper_.emplace();
  else if (needs_orphans && !had_children)
    become_subreaper();

  if (options_.limit != duration::zero())
    limit_due_ = sys::after(sys::clock::now(), options_.limit);
  spawn_result started = start_command(argv, how);
  if (!started.process) {
    name_outcome(started.exec_error == ENOENT ? outcome::not_found : outcome::not_executable);
    result_.exec_error = started.exec_error;
    return false;
  }
  command_ = std::move(started.process);
  scope_->set_command(&*command_, reaper_         ? reaper_->pid()
                                  : is_subreaper_ ? ::getpid()
                                                  : command_->pid());
  return true;
}

/// Every process of the scope is opened. With no room for that it would be found out too late.
void detail::supervision::require_descriptors() {
  constexpr rlim_t needed = 24;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < needed)
    fail(EMFILE, "a scope of tree or session needs a limit of " + std::to_string(needed) +
                     " open files, and it is " + std::to_string(limit.rlim_cur));
}

void detail::supervision::become_subreaper() {
  ::prctl(PR_GET_CHILD_SUBREAPER, &was_subreaper_);
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) fail(errno, "prctl(2) PR_SET_CHILD_SUBREAPER");
  is_subreaper_ = true;
}

spawn_result detail::supervision::start_command(char* const* argv, const spawn_options& how) {
  return reaper_ ? reaper_->start(argv, how) : spawn(argv, how);
}

bool detail::supervision::finished() const {
  return given_up_ || (result_.command && (options_.reach != scope::tree || all_gone_));
}

/// Whether handlers are due.
bool detail::supervision::wait_for_something() {
  const own_wake wake;
  const time_point deadline =
      limit_fires_ ? time_point{} : std::min({limit_due_, rungs_.due(), sweep_due_, give_up_due_});
  // The end of the command, should another thread have taken its SIGCHLD.
  const int ended = reaper_ ? reaper_->descriptor() : result_.command ? -1 : command_->descriptor();
  std::array<pollfd, 3> sources{{{signals_.get(), POLLIN, 0}, {ended, POLLIN, 0}, wake.source()}};
  const time_point limit = wake.limit(deadline);
  sys::poll_until(sources, limit);
  return sources[2].revents != 0 || limit != deadline;
}

void detail::supervision::read_signals() {
  siginfo_t received;
  while (sys::take_signal(handled_, received))
    handle(received);
}

void detail::supervision::handle(siginfo_t& received) {
  const signal_info info = signal_info::from(received);
  if (!options_.dedicated_process && is_own(info)) {
    own_signals_.give(received);
    return;
  }
  const bool from_us = info.code == SI_USER && info.pid == ::getpid();
  if (info.signal == sigchld || from_us || is_ignored(info.signal)) return;
  // What a member sends to the whole group after it had the signal would otherwise go round.
  if (sent_to_group_.contains(info.signal) && scope_->is_in_own_group(info.pid)) return;
  events_->received(info);
  const bool by_terminal =
      info.code == SI_KERNEL && (info.signal == sigint || info.signal == sigquit);
  if (info.signal == sigalrm)
    limit_fires_ = true;
  else if (by_terminal && scope_->group() != grouping::command)
    scope_->continue_if_stopped(); // the command has the signal already
  else
    forward(info);
}

/// Ignored by inheritance, and so not for the command either; but the signal of the limit counts.
bool detail::supervision::is_ignored(signal_id signal) const {
  return signal != options_.signal && signal != sigalrm &&
         get_disposition(signal) == disposition::ignored;
}

void detail::supervision::forward(const signal_info& info) {
  name_outcome(outcome::interrupted);
  send(info.signal, options_.reach);
  if (!rungs_.started()) rungs_.start_after_first(sys::clock::now());
}

void detail::supervision::reap() {
  if (reaper_) {
    reaper_->learn();
    all_gone_ = reaper_->all_gone();
    if (reaper_->command() && !result_.command) command_ended(reaper_->command());
  } else if (is_subreaper_) {
    reap_descendants();
  } else {
    reap_command();
  }
}

void detail::supervision::reap_command() {
  siginfo_t info{};
  const auto pid = static_cast<id_t>(command_->pid());
  const int failed =
      sys::retry([&] { return ::waitid(P_PID, pid, &info, WEXITED | WNOHANG | __WALL); });
  if (failed != 0) fail(errno, "waitid(2) of process " + std::to_string(command_->pid()));
  if (info.si_pid != 0) command_ended(exit_status::from_child_code(info.si_code, info.si_status));
}

/// This process has no children but what the command left to it.
void detail::supervision::reap_descendants() {
  for (;;) {
    siginfo_t info{};
    if (sys::retry([&] { return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL); }) != 0) {
      all_gone_ = true;
      return;
    }
    if (info.si_pid == 0) return;
    if (info.si_pid == command_->pid())
      command_ended(exit_status::from_child_code(info.si_code, info.si_status));
  }
}

void detail::supervision::command_ended(std::optional<exit_status> status) {
  result_.command = status;
  scope_->forget_command();
  if (reaper_) reaper_->let_go_of_command();
  limit_due_ = time_point::max();
  limit_fires_ = false;
}

void detail::supervision::act_on_time() {
  time_point now = sys::clock::now();
  if (limit_fires_)
    fire_limit(now);
  else if (now >= limit_due_)
    reach_limit(now);
  // Only what the command left behind is still there: the ladder is for that.
  if (result_.command && !rungs_.started()) rungs_.start(now);
  while (const std::optional<rungs::rung> due = rungs_.take(now)) {
    send(due->signal, due->reach);
    now = sys::clock::now();
    rungs_.sent(now);
  }
  if (options_.reach == scope::tree && rungs_.started() && !rungs_.pending()) begin_sweeping(now);
  if (now >= std::min(sweep_due_, give_up_due_)) sweep(now);
}

/// ALRM came: the limit is reached now, or the next rung is due.
void detail::supervision::fire_limit(time_point now) {
  limit_fires_ = false;
  if (!rungs_.pending()) {
    reach_limit(now);
    return;
  }
  result_.limit_reached = true;
  rungs_.hurry(now);
}

void detail::supervision::reach_limit(time_point now) {
  limit_due_ = time_point::max();
  if (rungs_.pending()) return; // a signal from outside has started the ladder before
  result_.limit_reached = true;
  name_outcome(outcome::timed_out);
  rungs_.start(now);
}

void detail::supervision::name_outcome(outcome how) {
  if (!std::exchange(has_outcome_, true)) result_.how = how;
}

void detail::supervision::send(signal_id signal, scope reach) {
  events_->sending(signal, reach);
  if (reach == scope::group) sent_to_group_.insert(signal);
  scope_->send(signal, reach);
}

void detail::supervision::begin_sweeping(time_point now) {
  if (give_up_due_ != time_point::max()) return;
  sweep_due_ = sys::after(now, sweep_pause_);
  give_up_due_ = sys::after(now, survivors_limit);
}

/// KILL was sent to all that was found. What was not found then is found now.
void detail::supervision::sweep(time_point now) {
  if (now < give_up_due_) {
    scope_->send(sigkill, scope::tree);
    sweep_pause_ = std::min(sweep_pause_ * 2, longest_sweep);
    sweep_due_ = sys::after(now, sweep_pause_);
    return;
  }
  reap();
  if (all_gone_) return;
  given_up_ = result_.gave_up = true;
  for (process_facts& facts : sigkit::descendants(scope_->root()))
    if (facts.state != 'X' && (facts.state != 'Z' || facts.threads > 1))
      result_.survivors.push_back(std::move(facts));
}

/// After a failure: the command must not go on without a limit.
void detail::supervision::kill_command() noexcept {
  if (!command_) return;
  if (!result_.command) sys::pidfd_send_signal(command_->descriptor(), sigkill);
  try {
    scope_->send(sigkill, options_.reach);
    if (result_.command || reaper_) return;
    pollfd ended{command_->descriptor(), POLLIN, 0};
    sys::poll_until({&ended, 1}, sys::after(sys::clock::now(), reaping_limit));
    ::waitpid(command_->pid(), nullptr, WNOHANG);
  } catch (const std::exception&) { // what cannot be found cannot be killed
    return;
  }
}

detail::supervision* detail::new_supervision(failure& why, const supervise_options& options,
                                             supervise_events* events) noexcept {
  return at_border(why, [&] { return new supervision(options, events); });
}

detail::wait_end detail::begin_supervision(failure& why, supervision& begun,
                                           char* const* argv) noexcept {
  return at_border(why, [&] { return begun.begin(argv); });
}

detail::wait_end detail::continue_supervision(failure& why, supervision& begun) noexcept {
  return at_border(why, [&] { return begun.go_on(); });
}

void detail::abandon_supervision(supervision& begun) noexcept {
  begun.kill_command();
}

supervise_result detail::result_of(failure& why, const supervision& ended) noexcept {
  return at_border(why, [&] { return ended.result(); });
}

void detail::delete_supervision(supervision* begun) noexcept {
  delete begun;
}

} // namespace sigkit
