#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <sigkit/process_tree.hpp>

#include "supervision.hpp"

namespace sigkit {

namespace {

constexpr duration survivors_limit = std::chrono::seconds(5);
constexpr duration longest_sweep = std::chrono::milliseconds(200);
constexpr duration longest_silence_slice = std::chrono::milliseconds(250);
constexpr duration sample_pause = std::chrono::milliseconds(100);
constexpr duration shortest_sample_pause = std::chrono::milliseconds(2);

} // namespace

void detail::supervision::act_on_time() {
  time_point now = sys::clock::now();
  if (limit_fires_) fire_limit(now);
  look_at_limits(now);
  say_what_is_due(now);
  if (hook_ && now >= hook_due_) end_hook(now);
  if (now >= foreground_due_) look_for_foreground(now);
  end_what_is_left(now);
  climb(now);
  now = sys::clock::now();
  reach_deferred_limit(now);
  const bool is_over_all = reaches_all(options_.reach) || over_all_;
  const bool was_climbed = rungs_.started() && !rungs_.pending() && rungs_.always_kills();
  if (is_over_all && was_climbed && !all_gone_ && !hook_) begin_sweeping(now);
  if (now >= std::min(sweep_due_, give_up_due_)) sweep(now);
}

void detail::supervision::climb(time_point now) {
  while (const std::optional<rungs::rung> due = rungs_.take(now)) {
    send(due->signal, due->reach);
    now = sys::clock::now();
    rungs_.sent(now);
  }
}

/// ALRM came: the limit is reached now, or the next rung is due.
void detail::supervision::fire_limit(time_point now) {
  limit_fires_ = false;
  if (hook_) {
    hurry_hook(now);
  } else if (!rungs_.pending()) {
    reach_limit(outcome::timed_out, now);
  } else {
    result_.limit_reached = result_.limit_reached || !result_.command;
    rungs_.hurry(now);
  }
}

void detail::supervision::look_at_limits(time_point now) {
  if (const std::optional<outcome> reached = limits_.take_reached(now)) reach_limit(*reached, now);
  if (now >= silence_due_) count_silence(now);
  if (now >= sample_due_) sample_usage(now);
}

/// What has passed since the last look counts, but no more than was to pass: this process may have
/// been stopped together with the job.
void detail::supervision::count_silence(time_point now) {
  const duration planned = std::max(silence_due_ - silence_seen_, duration::zero());
  const duration passed = std::min(now - silence_seen_, planned);
  silence_seen_ = now;
  if (!relay_->write_is_pending() && !job_is_stopped()) silent_for_ += passed;
  if (silent_for_ >= options_.idle) {
    reach_limit(outcome::idle, now);
    return;
  }
  silence_due_ = now + std::min(longest_silence_slice, options_.idle - silent_for_);
}

bool detail::supervision::command_is_zombie() const {
  if (!command_ || result_.command) return false;
  const std::optional<process_facts> facts = sigkit::read_process(command_->pid());
  return facts && has_ended(*facts);
}

std::optional<char> detail::supervision::command_state() const {
  if (!command_ || result_.command) return std::nullopt;
  const std::optional<process_facts> facts = sigkit::read_process(command_->pid());
  if (!facts) return std::nullopt;
  return facts->state;
}

bool detail::supervision::job_is_stopped() const {
  return command_state() == 'T';
}

void detail::supervision::sample_usage(time_point now) {
  usage_->sample();
  // A large tree takes its time: no more than a twentieth of it.
  duration pause = std::max(sample_pause, (sys::clock::now() - now) * 20);
  if (options_.cpu != duration::zero() && !limits_are_off_) {
    const duration left = options_.cpu - usage_->cpu_time();
    if (left <= duration::zero()) {
      sample_due_ = sys::after(now, pause);
      reach_limit(outcome::cpu_limit, now);
      return;
    }
    static const long processors = std::max(::sysconf(_SC_NPROCESSORS_ONLN), 1L);
    pause = std::clamp(left / processors, shortest_sample_pause, sample_pause);
  }
  sample_due_ = sys::clock::now() + pause;
}

void detail::supervision::say_what_is_due(time_point now) {
  if (limits_.take_warning(now) && !result_.command) {
    events_->warning(state(now));
    const signal_id signal = options_.warn_signal;
    if (signal != signull && command_->send(signal) == delivery::not_permitted)
      events_->not_sent(signal, EPERM);
  }
  if (limits_.take_heartbeat(now)) events_->heartbeat(state(now));
  if (limits_.take_tick(now)) events_->tick(state(now));
}

run_state detail::supervision::state(time_point now) const {
  run_state result;
  result.elapsed = limits_.elapsed(now);
  result.left = limits_.left(now);
  if (relay_) result.silent = now - silence_seen_ + silent_for_;
  result.command = result_.command ? 0 : command_->pid();
  result.root = scope_->root();
  return result;
}

void detail::supervision::reach_limit(outcome why, time_point now) {
  limits_.switch_off_limits();
  limits_are_off_ = true;
  silence_due_ = no_time;
  if (!options_.accounting) sample_due_ = no_time;
  if (result_.command) {
    stop_waiting_ = true;
    return;
  }
  if (hook_ || rungs_.pending()) { // a signal from outside has started the ladder before
    deferred_ = why;
    return;
  }
  result_.limit_reached = true;
  name_outcome(why);
  hook_ = events_->at_limit(why, state(now));
  now = sys::clock::now();
  if (hook_) {
    scope_->leave_out(hook_->pid());
    hook_due_ = sys::after(now, options_.hook_limit);
  } else {
    rungs_.start(now);
  }
}

/// The ladder that a signal from outside has started is over, and the command lives.
void detail::supervision::reach_deferred_limit(time_point now) {
  if (!deferred_ || hook_ || rungs_.pending() || result_.command || sent_kill_) return;
  reach_limit(*std::exchange(deferred_, std::nullopt), now);
}

/// A signal from outside takes the place of its time limit.
void detail::supervision::hurry_hook(time_point now) {
  if (hook_killed_) return;
  hook_hurried_ = true;
  hook_due_ = now;
}

/// It leads a group of its own. One that even KILL does not end holds up nothing for long.
void detail::supervision::end_hook(time_point now) {
  if (std::exchange(hook_killed_, true)) {
    forget_hook();
    return;
  }
  if (!hook_hurried_) events_->hook_killed();
  sys::kill(-hook_->pid(), sigkill);
  hook_->send(sigkill);
  hook_due_ = sys::after(now, time_to_die);
  begin_ladder(now);
}

void detail::supervision::forget_hook() {
  scope_->leave_in(hook_->pid());
  hook_.reset();
  hook_due_ = no_time;
  begin_ladder(sys::clock::now());
}

/// Unless one runs or has run to its end with KILL, or there is nobody to climb it for.
void detail::supervision::begin_ladder(time_point now) {
  if (!result_.command && !rungs_.pending() && give_up_due_ == no_time && !hook_ladder_begun_)
    rungs_.start(now);
  hook_ladder_begun_ = true;
}

void detail::supervision::name_outcome(outcome how) {
  if (!std::exchange(has_outcome_, true)) result_.how = how;
}

void detail::supervision::send(signal_id signal, scope reach) {
  announce(signal, reach);
  sent_kill_ = sent_kill_ || signal == sigkill;
  sent_stop_ = sent_stop_ || signal == sigstop;
  if (!scope_->send(signal, reach)) events_->not_sent(signal, EPERM);
}

/// Says what is about to be sent, and keeps what has to be known of it later.
void detail::supervision::announce(signal_id signal, scope reach) {
  events_->sending(signal, reach);
  if (signal == sigterm || signal == sigint) ends_sent_[signal.number()] = sys::clock::now();
  if (reach == scope::group) sent_to_group_.insert(signal);
  if (options_.stand_in && !options_.accounting) return; // for as long as a server runs
  sent_signal sent{limits_.elapsed(sys::clock::now()), signal, reach, {}};
  if (options_.accounting) sent.targets = scope_->targets(reach);
  result_.sent.push_back(std::move(sent));
}

/// The command has ended, and others have not.
void detail::supervision::end_what_is_left(time_point now) {
  if (!result_.command || !nothing_may_be_left() || all_gone_ || hook_) return;
  if (reaper_ && !reaper_->others_left()) return; // not known yet
  const bool waits = options_.left_behind == orphans::wait && !result_.limit_reached &&
                     !rungs_.started() && !stop_waiting_;
  if (waits) return;
  if (!reaches_all(options_.reach) && !std::exchange(over_all_, true)) {
    rungs_.cover(widest_scope());
    rungs_.start(now);
  } else if (!rungs_.started()) {
    rungs_.end_with_kill();
    rungs_.start(now);
  } else if (!rungs_.always_kills()) { // it was climbed for the command, and need not end it
    rungs_.end_with_kill();
    if (!rungs_.pending() && !rungs_.has_killed()) rungs_.start(now);
  }
}

void detail::supervision::begin_sweeping(time_point now) {
  if (give_up_due_ != no_time) return;
  sweep_due_ = sys::after(now, sweep_pause_);
  give_up_due_ = sys::after(now, survivors_limit);
}

/// KILL was sent to all that was found. What was not found then is found now.
void detail::supervision::sweep(time_point now) {
  if (now < give_up_due_) {
    scope_->send(sigkill, widest_scope());
    sweep_pause_ = std::min(sweep_pause_ * 2, longest_sweep);
    sweep_due_ = sys::after(now, sweep_pause_);
    return;
  }
  reap();
  if (all_gone_) return;
  given_up_ = result_.gave_up = true;
  for (process_facts& facts : scope_->descendants_left())
    if (facts.state != 'X' && (facts.state != 'Z' || facts.threads > 1))
      result_.survivors.push_back(std::move(facts));
}

} // namespace sigkit
