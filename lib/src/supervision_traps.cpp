// What is done for signals by who stands in for the command, and at its end.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "supervision.hpp"

namespace sigkit {

namespace {

constexpr duration retry_pause = std::chrono::milliseconds(10);
constexpr duration time_to_come_round = std::chrono::seconds(1);
constexpr signal_set ask_to_end{sigterm, sigint};
constexpr signal_set ends_program{sigterm, sigint, sighup, sigquit};

} // namespace

void detail::supervision::stand_in_for(const siginfo_t& received, const signal_info& info) {
  constexpr signal_set for_traps_alone{sigchld, sigttin, sigttou};
  const bool has_traps = lines_.trapped().contains(info.signal);
  if (!has_traps && for_traps_alone.contains(info.signal)) return;
  events_->received(info);
  if (comes_round(info)) {
    events_->not_forwarded(info, true);
    return;
  }
  // That it has ended may be heard of after this.
  const bool has_ended = result_.command || (info.signal == sigtstp && command_is_zombie());
  if (has_ended && (!has_traps || end_began_)) act_after_end(info);
  if (end_began_ || gave_up_actions_) return; // nothing comes after that
  trap_entry entry;
  entry.received = received;
  entry.why.info = info;
  entry.command_has_it = terminal_sent_it(info);
  run_line(lines_.add(entry));
  // One that stands still already tells of no other stop.
  if (info.signal == sigtstp && stops_alone_ && job_is_stopped()) stop_with_command(sigtstp);
}

/// What a terminal does to a job whose command has ended: its keys are for the actions, which are
/// in groups of their own, and it stops.
void detail::supervision::act_after_end(const signal_info& info) {
  const bool is_key = info.signal == sigint || info.signal == sigquit;
  if (is_key && info.code == SI_KERNEL)
    for (const auto& [number, line] : lines_.lines())
      if (line.running) sys::kill(-line.running->pid(), info.signal);
  if (info.signal == sigtstp) stop_self(sigtstp);
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
    const bool runs = next->action.what == trap_action::kind::run;
    if (runs && has_room_for_action()) {
      start_action(line);
    } else if (runs || !act(next->action, first)) {
      retry_due_ = sys::after(sys::clock::now(), retry_pause);
      return;
    }
    ++first.next_trap;
  }
}

/// Whether an action can be started now; others that end make room for it.
bool detail::supervision::has_room_for_action() const {
  if (lines_.none_runs()) return true;
  std::array<unique_fd, 4> places;
  return std::ranges::all_of(places, [](unique_fd& place) {
    place.reset(::open("/", O_PATH | O_CLOEXEC));
    return place.has_value();
  });
}

void detail::supervision::start_action(trap_line& line) {
  line.running = events_->run_action(line.entries.front().why);
  line.started = sys::clock::now();
  line.killed = false;
  line.forget_due = no_time;
  if (line.running) scope_->leave_out(line.running->pid());
}

/// False where it is to be tried again later.
bool detail::supervision::act(const trap_action& action, trap_entry& entry) {
  const signal_info& info = entry.why.info;
  const bool is_signal = entry.why.why == trap_occasion::kind::signal;
  switch (action.what) {
  case trap_action::kind::forward: return !is_signal || forward_as_it_came(entry);
  case trap_action::kind::send: send_in_place_of(info.signal, action.signal); break;
  case trap_action::kind::kill: send(sigkill, reach_now()); break;
  case trap_action::kind::leave: leave_with(action.status); break;
  case trap_action::kind::drop:
    if (is_signal) events_->not_forwarded(info, false);
    break;
  case trap_action::kind::run: break;
  }
  return true;
}

/// Whether the command, being in the same group, got it from there too. The end of the terminal
/// itself is told to the leader of the session alone.
bool detail::supervision::terminal_sent_it(const signal_info& info) const {
  constexpr signal_set of_keys{sigint, sigquit, sigtstp, sigwinch};
  constexpr signal_set of_its_end{sighup, sigcont};
  if (result_.command || info.code != SI_KERNEL) return false;
  const bool to_group = of_keys.contains(info.signal) ||
                        (of_its_end.contains(info.signal) && ::getsid(0) != ::getpid());
  return to_group && ::getpgid(command_->pid()) == scope_->own_group();
}

/// A command that answers TERM or INT with kill(2) of its whole group would have it come back, and
/// answer again.
bool detail::supervision::comes_round(const signal_info& info) const {
  const auto sent = ends_sent_.find(info.signal.number());
  if (result_.command || info.code != SI_USER || info.pid <= 0 || sent == ends_sent_.end() ||
      sys::clock::now() - sent->second >= time_to_come_round)
    return false;
  return info.pid == command_->pid() || scope_->is_in_own_group(info.pid);
}

/// The scope, or all that is left where only that is waited for.
scope detail::supervision::reach_now() {
  const bool for_the_rest = result_.command && nothing_may_be_left();
  if (for_the_rest && !reaches_all(options_.reach) && !std::exchange(over_all_, true))
    rungs_.cover(widest_scope());
  return over_all_ ? widest_scope() : options_.reach;
}

bool detail::supervision::forward_as_it_came(trap_entry& entry) {
  const signal_info& info = entry.why.info;
  // What continued this process was for the job, and may have continued the command with it.
  const bool for_job = info.signal == sigcont && std::exchange(was_stopped_, false);
  if (entry.command_has_it || (for_job && command_went_on())) {
    events_->not_forwarded(info, true);
    const bool by_us = stops_alone_ || sent_stop_;
    if (by_us && ends_program.contains(info.signal) && job_is_stopped()) {
      stops_alone_ = sent_stop_ = false;
      scope_->continue_if_stopped();
    }
    return true;
  }
  const scope reach = entry.only_command_lacks_it ? scope::process : reach_now();
  if (!can_be_reached(reach)) return true;
  // In a session of its own nobody could continue it, and the kernel lets it pass.
  if (info.signal == sigtstp && scope_->leads_session()) entry.received.si_signo = SIGSTOP;
  if (!entry.only_command_lacks_it) announce(signal_id(entry.received.si_signo), reach);
  const int failure = scope_->pass_on(entry.received, reach);
  entry.only_command_lacks_it = failure == EAGAIN;
  if (entry.only_command_lacks_it) return false;
  if (failure != 0) events_->not_sent(info.signal, failure);
  let_it_act_on(info.signal, reach);
  if (ask_to_end.contains(info.signal) || info.signal == sighup) {
    if (!result_.interrupted_by) result_.interrupted_by = info;
    start_ladder_after(info.signal);
  }
  return true;
}

void detail::supervision::send_in_place_of(signal_id came, signal_id signal) {
  const scope reach = reach_now();
  if (signal == signull || !can_be_reached(reach)) return;
  if (signal == sigkill || signal == sigstop) {
    send(signal, reach);
  } else {
    siginfo_t plain{};
    plain.si_signo = signal.number();
    announce(signal, reach);
    if (const int failure = scope_->pass_on(plain, reach); failure != 0)
      events_->not_sent(signal, failure);
    let_it_act_on(signal, reach);
  }
  if (ask_to_end.contains(came) || ask_to_end.contains(signal)) start_ladder_after(signal);
}

/// A command that stands still, while this process does not, cannot end.
void detail::supervision::let_it_act_on(signal_id signal, scope reach) {
  if (!ends_program.contains(signal) || !job_is_stopped()) return;
  siginfo_t plain{};
  plain.si_signo = SIGCONT;
  scope_->pass_on(plain, reach);
}

/// Whether there may be somebody to signal.
bool detail::supervision::can_be_reached(scope reach) const {
  return !result_.command || reach != scope::process;
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
  return given_up_ || (result_.command && (all_gone_ || !nothing_may_be_left()));
}

/// ERR's and EXIT's actions come last, and nothing after them.
void detail::supervision::begin_end() {
  end_began_ = true;
  const auto add = [this](trap_occasion::kind why) {
    trap_entry entry;
    entry.why.why = why;
    entry.why.info.signal = signull;
    lines_.add(entry);
  };
  if (command_status_ != 0) add(trap_occasion::kind::error);
  add(trap_occasion::kind::exit);
  run_lines();
}

bool detail::supervision::traps_have_ended() {
  if (!options_.stand_in || !result_.command) return true;
  if (!lines_.none_waits()) return false;
  if (!end_began_) begin_end();
  return lines_.none_waits();
}

/// When an action of this line is to be killed, or forgotten where even that has not ended it. All
/// of signals have the same time; at the end each has its own.
detail::supervision::time_point detail::supervision::action_due(int number,
                                                                const trap_line& line) const {
  if (!line.running || leave_began_ == no_time) return no_time;
  if (line.killed) return line.forget_due;
  if (options_.action_limit == duration::zero()) return no_time;
  const time_point start = number == 0 ? line.started : leave_began_;
  return sys::after(start, options_.action_limit);
}

void detail::supervision::end_actions(time_point now) {
  if (leave_began_ == no_time && must_leave()) leave_began_ = now;
  bool over_limit = false;
  for (auto& [number, line] : lines_.lines()) {
    if (now < action_due(number, line)) continue;
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
  gave_up_actions_ = true;
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
