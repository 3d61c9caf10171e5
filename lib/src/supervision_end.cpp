#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "proc.hpp"
#include "supervision.hpp"

namespace sigkit {

namespace {

constexpr duration reaping_limit = std::chrono::seconds(1);
constexpr duration shortest_pause = std::chrono::milliseconds(1);
constexpr duration longest_pause = std::chrono::milliseconds(50);
constexpr duration time_to_write = std::chrono::milliseconds(100);
constexpr duration time_to_read = std::chrono::seconds(5);

std::optional<siginfo_t> take_end_of(idtype_t which, pid_t pid) {
  siginfo_t info{};
  const int failed = sys::retry(
      [&] { return ::waitid(which, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | __WALL); });
  if (failed != 0) return std::nullopt;
  return info;
}

} // namespace

bool detail::supervision::has_children() noexcept {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0;
}

bool detail::supervision::nothing_may_be_left() const {
  switch (options_.left_behind) {
  case orphans::by_scope: return reaches_all(options_.reach);
  case orphans::leave: return reaches_all(options_.reach) && rungs_.started();
  case orphans::wait:
  case orphans::kill: break;
  }
  return true;
}

bool detail::supervision::finished() {
  if (given_up_) {
    drop_output();
    return traps_have_ended();
  }
  if (!result_.command || hook_) return false;
  if (nothing_may_be_left() && !all_gone_) return false;
  return output_has_ended(sys::clock::now()) && traps_have_ended();
}

void detail::supervision::reap() {
  if (reaper_) {
    reaper_->learn();
    for (siginfo_t& received : reaper_->take_received()) {
      // It has the numbers of the namespace that the reaper is in.
      if (options_.reach == scope::pid_namespace && received.si_code <= 0) received.si_pid = 0;
      handle(received);
    }
    if (reaper_->command() && !result_.command) command_ended(reaper_->command());
    if (reaper_->all_gone()) nobody_is_left();
  }
  if (options_.stand_in) look_for_stop();
  if (is_subreaper_) {
    reap_descendants();
    return;
  }
  if (!reaper_ && !result_.command) reap_command();
  if (hook_) reap_hook();
  reap_actions();
  if (reaper_ && options_.reap_orphans) reap_strangers();
}

void detail::supervision::reap_command() {
  const auto info = take_end_of(P_PID, command_->pid());
  if (!info) fail(errno, "waitid(2) of process " + std::to_string(command_->pid()));
  if (info->si_pid != 0)
    command_ended(exit_status::from_child_code(info->si_code, info->si_status));
}

void detail::supervision::reap_hook() {
  const auto info = take_end_of(P_PID, hook_->pid());
  if (!info || info->si_pid != 0) forget_hook();
}

void detail::supervision::reap_actions() {
  for (auto& [number, line] : lines_.lines()) {
    if (!line.running) continue;
    const auto info = take_end_of(P_PID, line.running->pid());
    if (!info || info->si_pid != 0)
      action_ended(line, info ? exit_status::from_child_code(info->si_code, info->si_status)
                              : std::nullopt);
  }
}

/// Those of whom nobody else knows.
void detail::supervision::reap_strangers() {
  for (;;) {
    siginfo_t info{};
    const int failed =
        sys::retry([&] { return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL); });
    const pid_t pid = info.si_pid;
    const bool is_known = reaper_->is_own_process(pid) || (hook_ && hook_->pid() == pid) ||
                          lines_.running_as(pid) != nullptr;
    if (failed != 0 || pid == 0 || is_known) return;
    take_end_of(P_PID, pid);
  }
}

/// This process has no children but what the command, the hook and actions left to it, or it had
/// before.
void detail::supervision::reap_descendants() {
  for (;;) {
    const auto info = take_end_of(P_ALL, 0);
    if (!info) {
      if (errno != ECHILD || !result_.command) fail(errno, "waitid(2)");
      nobody_is_left();
      return;
    }
    const auto how = exit_status::from_child_code(info->si_code, info->si_status);
    trap_line* const line = lines_.running_as(info->si_pid);
    if (info->si_pid == 0) break;
    if (info->si_pid == command_->pid() && !result_.command)
      command_ended(how);
    else if (hook_ && info->si_pid == hook_->pid())
      forget_hook();
    else if (line != nullptr)
      action_ended(*line, how);
  }
  if (only_actions_are_left()) nobody_is_left();
}

/// From now on the root may be another process's PID, and what is below it none of ours.
void detail::supervision::nobody_is_left() {
  all_gone_ = true;
  rungs_.stop();
  sweep_due_ = give_up_due_ = no_time;
  scope_->forget_root();
  if (usage_) usage_->set_root(0);
}

void detail::supervision::command_ended(std::optional<exit_status> status) {
  if (!status) fail(EINVAL, "waitid(2): a process that has ended, and not how");
  result_.command = status;
  events_->command_ended(*status);
  scope_->forget_command();
  if (reaper_) reaper_->let_go_of_command();
  silence_due_ = no_time;
  // They are still for what is waited for: descendants, and who reads the output.
  if (options_.left_behind != orphans::wait && !relay_) limits_.switch_off_limits();
  limit_fires_ = false;
  if (!nothing_may_be_left()) rungs_.stop();
  command_status_ = status->shell_status();
  for (const auto& [from, to] : options_.remap)
    if (from == status->shell_status()) command_status_ = to;
  if (!leaves_ && command_status_ != status->shell_status()) result_.status = command_status_;
  const std::optional<signal_id> killed_by = status->signal();
  if (killed_by == sigkill && !sent_kill_ && memory_kills_before_ &&
      count_memory_kills(own_cgroup()).value_or(*memory_kills_before_) > *memory_kills_before_)
    name_outcome(outcome::out_of_memory);
}

/// What was written is passed on, whatever time its reader takes; after a limit, and after a signal
/// from outside, not for ever.
bool detail::supervision::output_has_ended(time_point now) {
  if (!relay_ || output_ended_) return true;
  if (relay_->has_writers()) {
    if (output_due_ == no_time) output_due_ = sys::after(now, time_to_write);
    if (now < output_due_) return false;
    if (!relay_->write_is_pending()) relay_->pump();
    if (relay_->has_writers()) events_->output_cut();
    relay_->close_sources();
  }
  output_due_ = no_time;
  if (relay_->is_drained()) {
    output_ended_ = true;
  } else if (result_.limit_reached || result_.interrupted_by || stop_waiting_) {
    const bool moves = std::exchange(passed_on_, relay_->passed_on()) != relay_->passed_on();
    if (moves || reader_due_ == no_time) reader_due_ = sys::after(now, time_to_read);
    if (now >= reader_due_) drop_output();
  }
  return output_ended_;
}

void detail::supervision::drop_output() {
  if (!relay_ || std::exchange(output_ended_, true)) return;
  relay_->pump();
  if (!relay_->is_drained()) events_->output_dropped();
}

void detail::supervision::complete_result() {
  kill_actions(); // where the command is among the survivors
  if (result_.command)
    name_outcome(result_.command->signal() ? outcome::signaled : outcome::exited);
  result_.elapsed = limits_.elapsed(sys::clock::now());
  if (relay_) result_.output_error = relay_->first_error();
  if (usage_) {
    if (command_) usage_->sample();
    result_.cpu_time = usage_->cpu_time();
    result_.peak_memory = usage_->peak_memory();
  }
  if (!result_.command || result_.command->signal()) terminal_.restore();
  control_group_.reset();
}

/// After a failure: the command must not go on without a limit.
void detail::supervision::kill_command() noexcept {
  if (!command_) {
    control_group_.reset();
    return;
  }
  if (hook_) sys::kill(-hook_->pid(), sigkill);
  kill_actions();
  const time_point until = sys::after(sys::clock::now(), reaping_limit);
  for (duration pause = shortest_pause; !kill_all() && sys::clock::now() < until; pause *= 2) {
    const timespec time = sys::to_timespec(std::min(pause, longest_pause));
    ::clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
  }
  control_group_.reset();
  terminal_.restore();
}

bool detail::supervision::reaper_has_nobody() {
  try {
    reaper_->learn();
  } catch (const error&) { // it has gone, and all it had is another's
    return true;
  }
  if (reaper_->command() && !result_.command) {
    result_.command = reaper_->command();
    scope_->forget_command();
    reaper_->let_go_of_command();
  }
  return reaper_->all_gone() || !nothing_may_be_left();
}

void detail::supervision::kill_command_itself() noexcept {
  try {
    if (!result_.command) scope_->send(sigkill, scope::process);
  } catch (const std::exception&) {
    return;
  }
}

/// Where nobody else can be found: each of those that are our own, and with them what becomes our
/// own by that, takes no descriptor to find or to signal. They have not been reaped.
bool detail::supervision::kill_own_children() noexcept {
  if (!is_subreaper_ || !nothing_may_be_left()) return false;
  try {
    if (own_children_.has_value())
      for (const pid_t child : proc::read_children(own_children_.get()))
        sys::kill_child(child, sigkill);
  } catch (const std::exception&) {
    return false;
  }
  int status = 0;
  for (pid_t pid = -1; (pid = ::waitpid(-1, &status, WNOHANG | __WALL)) > 0;) {
    if (pid != command_->pid() || result_.command) continue;
    result_.command = exit_status::from_wait_status(status);
    scope_->forget_command();
  }
  return !has_children();
}

/// False where something may be left. What this fails with may be what the run has failed with, and
/// not happen again.
bool detail::supervision::kill_all() noexcept {
  try {
    scope_->send(sigkill, nothing_may_be_left() ? widest_scope() : options_.reach);
    if (control_group_ && !control_group_->group().is_empty()) return false;
    if (reaper_) return reaper_has_nobody();
  } catch (const std::exception&) {
    kill_command_itself();
    return kill_own_children();
  }
  if (is_subreaper_ && nothing_may_be_left()) return kill_own_children();
  return result_.command || ::waitpid(command_->pid(), nullptr, WNOHANG | __WALL) != 0;
}

} // namespace sigkit
