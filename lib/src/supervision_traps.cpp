// What is done for signals by who stands in for the command, and at its end.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "supervision.hpp"

namespace sigkit {

namespace {

constexpr duration time_to_die = std::chrono::seconds(1);
constexpr duration retry_pause = std::chrono::milliseconds(10);
constexpr duration time_to_come_round = std::chrono::seconds(1);

} // namespace

void detail::supervision::stand_in_for(const siginfo_t& received, const signal_info& info) {
  constexpr signal_set for_traps_alone{sigchld, sigttin, sigttou};
  const bool has_traps = lines_.trapped().contains(info.signal);
  if (!has_traps && for_traps_alone.contains(info.signal)) return;
  events_->received(info);
  trap_entry entry;
  entry.received = received;
  entry.why.info = info;
  run_line(lines_.add(std::move(entry)));
}

void detail::supervision::run_lines() {
  retry_due_ = no_time;
  for (auto& [number, line] : lines_.lines())
    run_line(line);
}

/// Until something has to be waited for.
void detail::supervision::run_line(trap_line& line) {
  while (!line.running && !line.entries.empty()) {
    trap_entry& first = line.entries.front();
    const trap* const next = lines_.next(first);
    if (next == nullptr) {
      line.entries.pop_front();
      continue;
    }
    first.why.command = command_->pid();
    if (result_.command) first.why.status = command_status_;
    if (next->action.what == trap_action::kind::run) {
      start_action(line);
    } else if (!act(next->action, first)) {
      retry_due_ = sys::after(sys::clock::now(), retry_pause);
      return;
    }
    ++first.next_trap;
  }
}

void detail::supervision::start_action(trap_line& line) {
  line.running = events_->run_action(line.entries.front().why);
  line.started = sys::clock::now();
  line.killed = false;
  line.forget_due = no_time;
  if (line.running) scope_->leave_out(line.running->pid());
}

/// False where it is to be tried again later.
bool detail::supervision::act(const trap_action& action, const trap_entry& entry) {
  const signal_info& info = entry.why.info;
  switch (action.what) {
  case trap_action::kind::forward: return forward_as_it_came(entry);
  case trap_action::kind::send: send_in_place_of(info.signal, action.signal); break;
  case trap_action::kind::kill: send(sigkill, reach_now()); break;
  case trap_action::kind::leave: leave_with(action.status); break;
  case trap_action::kind::drop:
    if (entry.why.why == trap_occasion::kind::signal) events_->not_forwarded(info, false);
    break;
  case trap_action::kind::run: break;
  }
  return true;
}

/// Whether the command got it without us.
bool detail::supervision::command_has(const signal_info& info) const {
  if (result_.command) return false;
  constexpr signal_set of_terminal{sigint, sigquit, sigtstp, sighup, sigcont, sigwinch};
  if (info.code == SI_KERNEL && of_terminal.contains(info.signal))
    return ::getpgid(command_->pid()) == ::getpgrp();
  // A command that answers such a signal with kill(2) of its whole group would have it come back,
  // and answer again.
  const auto sent = ends_sent_.find(info.signal);
  return info.code == SI_USER && info.pid > 0 && sent != ends_sent_.end() &&
         sys::clock::now() - sent->second < time_to_come_round &&
         (info.pid == command_->pid() || ::getpgid(info.pid) == ::getpgrp());
}

/// The scope, or all that is left where only that is waited for.
scope detail::supervision::reach_now() {
  const bool for_the_rest = result_.command && nothing_may_be_left();
  if (for_the_rest && !reaches_all(options_.reach) && !std::exchange(over_all_, true))
    rungs_.cover(widest_scope());
  return over_all_ ? widest_scope() : options_.reach;
}

bool detail::supervision::forward_as_it_came(const trap_entry& entry) {
  const signal_info& info = entry.why.info;
  // What continued this process was for the job, and may have continued the command with it.
  const bool for_job = info.signal == sigcont && std::exchange(was_stopped_, false);
  if (command_has(info) || (for_job && !job_is_stopped())) {
    events_->not_forwarded(info, true);
    return true;
  }
  const scope reach = reach_now();
  if (!can_be_reached(reach)) return true;
  if (scope_->pass_on(entry.received, reach) == EAGAIN) return false;
  note_sent(info.signal, reach);
  if (info.signal == sighup) start_ladder_after(sighup);
  if (info.signal == sigterm || info.signal == sigint) start_ladder_after(info.signal);
  return true;
}

void detail::supervision::send_in_place_of(signal_id came, signal_id signal) {
  const scope reach = reach_now();
  if (signal == signull || !can_be_reached(reach)) return;
  siginfo_t plain{};
  plain.si_signo = signal.number();
  if (signal == sigkill || signal == sigstop) {
    send(signal, reach);
    return;
  }
  scope_->pass_on(plain, reach);
  note_sent(signal, reach);
  constexpr signal_set asks_to_end{sigterm, sigint};
  if (asks_to_end.contains(came) || asks_to_end.contains(signal)) start_ladder_after(signal);
}

/// Whether there may be somebody to signal.
bool detail::supervision::can_be_reached(scope reach) const {
  return !result_.command || reach != scope::process;
}

void detail::supervision::note_sent(signal_id signal, scope reach) {
  events_->sending(signal, reach);
  constexpr signal_set ends{sigterm, sigint, sighup, sigquit};
  if (ends.contains(signal)) ends_sent_[signal] = sys::clock::now();
  if (!options_.accounting) return;
  result_.sent.push_back(
      {limits_.elapsed(sys::clock::now()), signal, reach, scope_->targets(reach)});
}

/// Where there is no next rung, the command ends when it likes.
void detail::supervision::start_ladder_after(signal_id first) {
  if (rungs_.pending() || !rungs_.has_next() || starts_ignored_.contains(first)) return;
  rungs_.start_after_first(sys::clock::now());
}

void detail::supervision::leave_with(int status) {
  result_.status = status;
  leaves_ = true;
  if (result_.command) return;
  rungs_.end_with_kill();
  if (!rungs_.pending()) rungs_.start(sys::clock::now());
}

/// Whether run() is to return as soon as actions let it.
bool detail::supervision::must_leave() const {
  if (given_up_) return true;
  if (!result_.command) return false;
  const bool waits_for_others =
      options_.left_behind == orphans::wait && !all_gone_ && !rungs_.started() && !stop_waiting_;
  return !waits_for_others;
}

/// Those of signals first; what the end of the command has of them comes last, and nothing after.
bool detail::supervision::traps_have_ended() {
  if (!options_.stand_in || !result_.command) return true;
  if (!std::exchange(end_began_, end_began_ || lines_.none_waits())) {
    if (!end_began_) return false;
    const auto add_end = [this](trap_occasion::kind why) {
      trap_entry entry;
      entry.why.why = why;
      entry.why.info.signal = signull;
      lines_.add(std::move(entry));
    };
    if (command_status_ != 0) add_end(trap_occasion::kind::error);
    add_end(trap_occasion::kind::exit);
    run_lines();
  }
  const auto end = lines_.lines().find(0);
  if (end != lines_.lines().end() && !end->second.entries.empty()) return false;
  if (const std::size_t given_up = lines_.give_up_waiting(); given_up != 0)
    events_->actions_given_up(given_up);
  return lines_.none_runs();
}

/// When an action of this line is to be killed, or forgotten where even that has not ended it.
detail::supervision::time_point detail::supervision::action_due(const trap_line& line) const {
  if (!line.running || leave_began_ == no_time) return no_time;
  if (line.killed) return line.forget_due;
  if (options_.action_limit == duration::zero()) return no_time;
  return sys::after(std::max(line.started, leave_began_), options_.action_limit);
}

void detail::supervision::end_actions(time_point now) {
  if (leave_began_ == no_time && must_leave()) leave_began_ = now;
  bool over_limit = false;
  for (auto& [number, line] : lines_.lines()) {
    if (now < action_due(line)) continue;
    if (std::exchange(line.killed, true)) {
      forget_action(line);
      continue;
    }
    over_limit = over_limit || number != 0;
    events_->action_killed(line.entries.front().why);
    kill_action(line);
    line.forget_due = sys::after(now, time_to_die);
  }
  if (!over_limit) return;
  if (const std::size_t given_up = lines_.give_up_waiting(); given_up != 0)
    events_->actions_given_up(given_up);
}

/// It leads a group of its own.
void detail::supervision::kill_action(const trap_line& line) noexcept {
  sys::kill(-line.running->pid(), sigkill);
  sys::pidfd_send_signal(line.running->descriptor(), sigkill);
}

void detail::supervision::forget_action(trap_line& line) noexcept {
  scope_->leave_in(line.running->pid());
  line.running.reset();
}

void detail::supervision::action_ended(trap_line& line, std::optional<exit_status> how) {
  if (how) events_->action_ended(line.entries.front().why, *how);
  forget_action(line);
}

void detail::supervision::kill_actions() noexcept {
  for (auto& [number, line] : lines_.lines())
    if (line.running) kill_action(line);
}

/// Whether all that is left below this process are actions.
bool detail::supervision::only_actions_are_left() const {
  return options_.stand_in && !lines_.none_runs() && result_.command && nothing_may_be_left() &&
         scope_->descendants_left().empty();
}

} // namespace sigkit
