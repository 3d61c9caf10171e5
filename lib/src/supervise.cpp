#include <sigkit/supervise.hpp>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include <sigkit/disposition.hpp>
#include <sigkit/process_tree.hpp>

#include "own_wake.hpp"
#include "supervision.hpp"

namespace sigkit {

namespace {

constexpr duration reaping_limit = std::chrono::seconds(1);
constexpr duration survivors_limit = std::chrono::seconds(5);
constexpr duration longest_sweep = std::chrono::milliseconds(200);

bool has_children() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0;
}

} // namespace

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
