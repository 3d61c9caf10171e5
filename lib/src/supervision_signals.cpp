#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include <sigkit/disposition.hpp>

#include "continuer.hpp"
#include "supervision.hpp"

namespace sigkit {

void detail::supervision::read_signals() {
  siginfo_t received;
  while (sys::take_signal(handled_, received))
    handle(received);
}

void detail::supervision::handle(siginfo_t& received) {
  const signal_info info = signal_info::from(received);
  if (info.signal == sigwinch && relay_) relay_->copy_window_size();
  if (info.signal == sigwinch && !options_.stand_in) {
    if (!result_.command) command_->send(sigwinch); // it may have looked at the old size
    return;
  }
  if (info.signal == sigcont && !options_.stand_in) return;
  if (!options_.dedicated_process && is_own(info)) {
    own_signals_.give(received);
    return;
  }
  if (info.signal == sigchld && info.code == CLD_STOPPED && !options_.stand_in)
    command_stopped(info);
  const bool from_us = info.code == SI_USER && info.pid == ::getpid();
  const bool of_child = info.signal == sigchld && info.code > 0;
  // The command went on without it, and may have been stopped again since.
  const bool from_continuer = info.signal == sigcont && info.pid > 0 && info.pid == continuer_;
  if (from_continuer) {
    was_stopped_ = false;
    continuer_ = 0;
  }
  if (of_child || from_us || from_continuer) return;
  if (options_.stand_in)
    stand_in_for(received, info);
  else if (info.signal != sigchld && !is_ignored(info.signal))
    act_on(info);
}

void detail::supervision::act_on(const signal_info& info) {
  // What a member sends to the whole group after it had the signal would otherwise go round.
  if (sent_to_group_.contains(info.signal) && scope_->is_in_own_group(info.pid)) return;
  events_->received(info);
  const bool by_terminal =
      info.code == SI_KERNEL && (info.signal == sigint || info.signal == sigquit);
  if (info.signal == sigalrm)
    limit_fires_ = true;
  else if (by_terminal && scope_->group() != grouping::command && !result_.command)
    taken_by_command(info);
  else
    forward(info);
}

/// Where the terminal stopped it in the background, the shell does not know: only the command is
/// stopped, and this process goes on to watch it. So the shell's `fg` sends no CONT, and we do.
void detail::supervision::command_stopped(const signal_info& info) {
  const bool by_terminal = info.status == SIGTTIN || info.status == SIGTTOU;
  if (by_terminal && !result_.command && info.pid == command_->pid())
    foreground_due_ = sys::clock::now();
}

void detail::supervision::look_for_foreground(time_point now) {
  constexpr duration pause = std::chrono::milliseconds(100);
  foreground_due_ = no_time;
  if (!job_is_stopped()) return;
  if (is_foreground())
    scope_->continue_if_stopped();
  else
    foreground_due_ = sys::after(now, pause);
}

/// Ignored by inheritance, and so not for the command either; but the signal of the limit counts.
bool detail::supervision::is_ignored(signal_id signal) const {
  return signal != options_.signal && signal != sigalrm &&
         get_disposition(signal) == disposition::ignored;
}

/// The terminal has sent it to the command already.
void detail::supervision::taken_by_command(const signal_info& info) {
  name_outcome(outcome::interrupted);
  scope_->continue_if_stopped();
  if (!result_.interrupted_by) result_.interrupted_by = info;
}

/// As if its parent, whom this process stands between, had been the command's.
void detail::supervision::parent_ended() {
  parent_.reset();
  const signal_id signal = options_.parent_death;
  const scope reach = reach_now();
  if (!can_be_reached(reach)) return;
  send(signal, reach);
  if (signal_set{sigterm, sigint, sighup}.contains(signal)) start_ladder_after(signal);
}

/// Its end and its stops are told by the same signal, and the kernel keeps one of them. As long as
/// there is a ladder to climb it is climbed.
void detail::supervision::look_for_stop() {
  if (rungs_.pending() || result_.command) return;
  siginfo_t info{};
  const auto pid = static_cast<id_t>(command_->pid());
  std::optional<signal_id> signal;
  if (reaper_)
    signal = reaper_->take_stop();
  else if (::waitid(P_PID, pid, &info, WSTOPPED | WNOHANG) == 0 && info.si_pid != 0)
    signal = signal_id(info.si_status);
  if (signal) stop_with_command(*signal);
}

/// Whether the command has gone on since its last stop that was seen, and may have stopped again.
bool detail::supervision::command_went_on() const {
  if (result_.command) return false;
  if (reaper_) return command_state().value_or('T') != 'T';
  siginfo_t info{};
  const auto pid = static_cast<id_t>(command_->pid());
  constexpr int what = WSTOPPED | WCONTINUED | WNOHANG | WNOWAIT;
  return ::waitid(P_PID, pid, &info, what) == 0 && info.si_pid != 0;
}

/// Stops this process too, so that a shell sees that its job has stopped; but not for a STOP that
/// was sent from here.
void detail::supervision::stop_with_command(signal_id signal) {
  stops_alone_ = signal == sigstop && std::exchange(sent_stop_, false);
  if (stops_alone_) return;
  const bool by_terminal = signal == sigttin || signal == sigttou;
  const continuer continues_us(command_->pid());
  continuer_ = continues_us.pid();
  // A shell that has brought the job to the front meanwhile, and saw it run, sends no CONT.
  if (by_terminal && is_foreground()) {
    scope_->continue_if_stopped();
    return;
  }
  stop_self(by_terminal ? signal : sigtstp);
}

/// By `signal`, with its default action. The kernel does not let a job stop that nobody could
/// continue (orphaned process groups), nor PID 1.
void detail::supervision::stop_self(signal_id signal) {
  if (get_disposition(signal) != disposition::by_default) return;
  // A CONT after this takes it back; one before it has continued the command.
  ::kill(::getpid(), signal.number());
  siginfo_t taken_back;
  if (command_went_on()) sys::take_signal({signal}, taken_back);
  detail::change_mask(mask_change::unblock, {signal});
  detail::change_mask(mask_change::block, {signal});
  was_stopped_ = sigpending().contains(sigcont);
}

void detail::supervision::forward(const signal_info& info) {
  name_outcome(outcome::interrupted);
  if (!result_.interrupted_by) result_.interrupted_by = info;
  constexpr signal_set to_leave{sigint, sigterm, sighup, sigquit};
  if (hook_ && to_leave.contains(info.signal)) hurry_hook(sys::clock::now());
  send(info.signal, reach_now());
  if (!rungs_.started()) rungs_.start_after_first(sys::clock::now());
}

} // namespace sigkit
