#pragma once

#include <sys/prctl.h>

#include <chrono>
#include <optional>

#include <sigkit/mask.hpp>
#include <sigkit/pidfd.hpp>
#include <sigkit/spawn.hpp>
#include <sigkit/supervise.hpp>

#include "command_scope.hpp"
#include "own_signals.hpp"
#include "reaper.hpp"
#include "rungs.hpp"
#include "system.hpp"

namespace sigkit {

/// What is blocked while supervising. CONT and TSTP keep their effect on this process: as part of
/// a job it stops and goes on with it. WINCH and URG end nobody.
inline signal_set blocked_signals() {
  return signal_set::changeable() - signal_set{sigcont, sigtstp, sigwinch, sigurg};
}

/// What is read and acted on. TTIN and TTOU are blocked, so that a message reaches the terminal
/// from the background too, and nothing else.
inline signal_set handled_signals() {
  return blocked_signals() - signal_set{sigttin, sigttou};
}

/// One command that is watched over: what is behind a supervisor.
class detail::supervision {
  using time_point = sys::clock::time_point;

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
  duration sweep_pause_ = std::chrono::milliseconds(5);
  supervise_result result_;
};

} // namespace sigkit
