#pragma once

#include <sys/prctl.h>

#include <chrono>
#include <map>
#include <optional>
#include <vector>

#include <sigkit/mask.hpp>
#include <sigkit/pidfd.hpp>
#include <sigkit/spawn.hpp>
#include <sigkit/supervise.hpp>

#include "command_scope.hpp"
#include "job_cgroup.hpp"
#include "limits.hpp"
#include "own_signals.hpp"
#include "reaper.hpp"
#include "relay.hpp"
#include "rungs.hpp"
#include "system.hpp"
#include "terminal_modes.hpp"
#include "trap_lines.hpp"
#include "usage.hpp"

namespace sigkit {

/// What is blocked while supervising. CONT and TSTP keep their effect on this process: as part of
/// a job it stops and goes on with it (CONT does so where it is blocked too). WINCH and URG end
/// nobody.
inline signal_set blocked_signals() {
  return signal_set::changeable() - signal_set{sigcont, sigtstp, sigwinch, sigurg};
}

/// What is read and acted on. TTIN and TTOU are blocked, so that a message reaches the terminal
/// from the background too, and nothing else.
inline signal_set handled_signals() {
  return blocked_signals() - signal_set{sigttin, sigttou};
}

/// What KILL does not end in that time is not waited for.
inline constexpr duration time_to_die = std::chrono::seconds(1);

/// One command that is watched over: what is behind a supervisor. Its sources: supervise.cpp (the
/// start and the loop), supervision_signals.cpp (what comes from outside), supervision_ladder.cpp
/// (the limits, and what follows), supervision_end.cpp (reaping, and the end of the output),
/// supervision_traps.cpp (what is done for signals where it stands in for the command).
class detail::supervision {
  using time_point = sys::clock::time_point;
  static constexpr time_point no_time = time_point::max();

public:
  supervision(supervise_options options, supervise_events* events);
  supervision(const supervision&) = delete;
  supervision& operator=(const supervision&) = delete;
  ~supervision();

  /// Both return when the command has ended, and with wait_end::again when handlers are due.
  wait_end begin(char* const* argv);
  wait_end go_on();
  void kill_command() noexcept;
  [[nodiscard]] const supervise_result& result() const noexcept { return result_; }

private:
  // The start, and the loop.
  void check() const;
  bool start(char* const* argv);
  void choose_scope();
  [[nodiscard]] scope widest_scope() const noexcept;
  [[nodiscard]] const cgroup* own_cgroup() const noexcept;
  static void require_descriptors(unsigned needed, const char* what_for);
  [[nodiscard]] bool needs_all_descendants() const;
  [[nodiscard]] bool nothing_may_be_left() const;
  [[nodiscard]] static bool has_children() noexcept;
  [[nodiscard]] bool kill_all() noexcept;
  [[nodiscard]] bool kill_own_children() noexcept;
  void kill_command_itself() noexcept;
  [[nodiscard]] bool reaper_has_nobody();
  bool start_command(char* const* argv, const spawn_options& how);
  [[nodiscard]] spawn_options how_to_spawn(bool new_session) const;
  void make_reaper();
  void find_ignored(const spawn_options& how);
  void become_subreaper();
  bool wait_for_something();
  void pass_output_on();

  [[nodiscard]] signal_set signals_to_handle() const;
  [[nodiscard]] signal_set signals_to_block() const;
  static void give_up_terminal();
  void watch_parent();
  [[nodiscard]] time_point next_due() const;

  // Signals from outside.
  void read_signals();
  void handle(siginfo_t& received);
  void act_on(const signal_info& info);
  [[nodiscard]] bool is_ignored(signal_id signal) const;
  void command_stopped(const signal_info& info);
  void look_for_foreground(time_point now);
  void look_for_stop();
  [[nodiscard]] bool command_went_on() const;
  void stop_with_command(signal_id signal);
  void stop_self(signal_id signal);
  void parent_ended();
  void taken_by_command(const signal_info& info);
  void forward(const signal_info& info);

  // Standing in for the command.
  void stand_in_for(const siginfo_t& received, const signal_info& info);
  void act_after_end(const signal_info& info);
  [[nodiscard]] bool has_room_for_action() const;
  void run_lines();
  void run_line(trap_line& line);
  void start_action(trap_line& line);
  bool act(const trap_action& action, trap_entry& entry);
  [[nodiscard]] bool terminal_sent_it(const signal_info& info) const;
  [[nodiscard]] bool comes_round(const signal_info& info) const;
  [[nodiscard]] scope reach_now();
  [[nodiscard]] bool can_be_reached(scope reach) const;
  bool forward_as_it_came(trap_entry& entry);
  void let_it_act_on(signal_id signal, scope reach);
  void send_in_place_of(signal_id came, signal_id signal);
  void announce(signal_id signal, scope reach);
  void begin_end();
  void start_ladder_after(signal_id first);
  void leave_with(int status);
  [[nodiscard]] bool must_leave() const;
  [[nodiscard]] bool traps_have_ended();
  [[nodiscard]] time_point action_due(int number, const trap_line& line) const;
  void end_actions(time_point now);
  static void kill_action(const trap_line& line) noexcept;
  void kill_actions() noexcept;
  void forget_action(trap_line& line) noexcept;
  void action_ended(trap_line& line, std::optional<exit_status> how);
  [[nodiscard]] bool only_actions_are_left() const;

  // Limits, the ladder.
  void act_on_time();
  void fire_limit(time_point now);
  void look_at_limits(time_point now);
  void count_silence(time_point now);
  [[nodiscard]] bool job_is_stopped() const;
  [[nodiscard]] bool command_is_zombie() const;
  [[nodiscard]] std::optional<char> command_state() const;
  void sample_usage(time_point now);
  void say_what_is_due(time_point now);
  void reach_limit(outcome why, time_point now);
  void reach_deferred_limit(time_point now);
  void hurry_hook(time_point now);
  void end_hook(time_point now);
  void forget_hook();
  void begin_ladder(time_point now);
  void climb(time_point now);
  void name_outcome(outcome how);
  void send(signal_id signal, scope reach);
  void begin_sweeping(time_point now);
  void sweep(time_point now);
  [[nodiscard]] run_state state(time_point now) const;

  // The end.
  [[nodiscard]] bool finished();
  void reap();
  void reap_command();
  void reap_descendants();
  void reap_hook();
  void reap_actions();
  void reap_strangers();
  void command_ended(std::optional<exit_status> status);
  void nobody_is_left();
  void end_what_is_left(time_point now);
  [[nodiscard]] bool output_has_ended(time_point now);
  void drop_output();
  void complete_result();

  supervise_options options_;
  supervise_events silent_;
  supervise_events* events_;
  programs_own_signals own_signals_; ///< sent again when the mask is as before
  const signal_set window_changes_;  ///< WINCH, where the command has a terminal of its own
  const scoped_mask mask_{mask_change::block, signals_to_block()};
  const kept_children child_signal_;
  rungs rungs_;
  limits limits_;
  trap_lines lines_;

  std::optional<job_cgroup> control_group_;
  std::optional<command_scope> scope_;
  std::optional<reaper> reaper_;
  std::optional<relay> relay_;
  std::optional<usage> usage_;
  terminal_modes terminal_;
  std::optional<pidfd> command_;
  const signal_set handled_;
  unique_fd signals_;
  std::vector<pollfd> sources_; ///< of the last wait

  bool has_outcome_ = false;
  bool begun_ = false;
  bool is_subreaper_ = false;
  unique_fd own_children_; ///< where the kernel lists them: open before descriptors are short
  int was_subreaper_ = 0;
  bool all_gone_ = false; ///< no descendant is left
  bool given_up_ = false; ///< some descendant is, and KILL does not end it
  bool limit_fires_ = false;
  bool sent_kill_ = false;
  bool over_all_ = false;     ///< the ladder is climbed for what the command left behind
  bool stop_waiting_ = false; ///< for that
  signal_set sent_to_group_;  ///< and so come back to us, as members of the group
  time_point sweep_due_ = no_time;
  time_point give_up_due_ = no_time;
  duration sweep_pause_ = std::chrono::milliseconds(5);

  std::optional<outcome> deferred_; ///< a limit that was reached during another ladder
  bool limits_are_off_ = false;

  std::optional<pidfd> hook_;
  bool hook_hurried_ = false;
  bool hook_killed_ = false;
  bool hook_ladder_begun_ = false;
  time_point hook_due_ = no_time;

  duration silent_for_{0};
  time_point silence_seen_{};
  time_point silence_due_ = no_time;

  std::map<int, time_point> ends_sent_; ///< when what ends a program was sent last
  signal_set starts_ignored_; ///< what the command ignores when it starts, where that counts
  int command_status_ = 0;    ///< as $?, when it has ended
  bool leaves_ = false;       ///< with a status of its own
  bool end_began_ = false;    ///< the actions of the command's end
  bool gave_up_actions_ = false;
  bool sent_stop_ = false;   ///< by an action or a rung
  bool stops_alone_ = false; ///< the command, by that
  bool was_stopped_ = false; ///< with the command, and has not seen the CONT
  pid_t continuer_ = 0;      ///< of the last stop, whose CONT is for this process alone
  bool had_children_ = false;
  bool parent_has_ended_ = false;
  std::optional<pidfd> parent_;
  time_point leave_began_ = no_time;
  time_point retry_due_ = no_time;

  time_point foreground_due_ = no_time; ///< to be looked whether this is the foreground group

  time_point sample_due_ = no_time;
  std::optional<std::uint64_t> memory_kills_before_;

  time_point output_due_ = no_time; ///< what still writes then gets a broken pipe
  time_point reader_due_ = no_time; ///< nobody reads: given up then
  std::uint64_t passed_on_ = 0;
  bool output_ended_ = false;
  supervise_result result_;
};

} // namespace sigkit
