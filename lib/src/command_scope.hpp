#pragma once

#include <sys/types.h>

#include <csignal>
#include <functional>
#include <optional>
#include <set>
#include <vector>

#include <sigkit/cgroup.hpp>
#include <sigkit/ladder.hpp>
#include <sigkit/pidfd.hpp>
#include <sigkit/process.hpp>
#include <sigkit/signal_id.hpp>

#include "tree_walk.hpp"

namespace sigkit {

/// Who leads the process group that the command is in.
enum class grouping : unsigned char {
  none,       ///< --foreground: the group we were started in; scope::group is the command alone
  foreground, ///< the same, and it is the terminal's foreground group: scope::group is what the
              ///< command started in it
  supervisor, ///< this process
  command,    ///< the command itself, as leader of a group or of a session
};

/// Whether this process's group has the terminal, if there is one.
bool is_foreground();

/// Sends signals to a running command over a scope.
class command_scope {
public:
  /// `had_children`: this process has some that do not belong to the command.
  struct setting {
    bool foreground;
    bool dedicated_process;
    bool new_session;
    bool had_children;
    const cgroup* control_group = nullptr; ///< where the command is to be, and nobody else
  };

  /// Decides on the group, and makes it where this process is to lead it (setpgid(2)).
  explicit command_scope(const setting& wanted);

  [[nodiscard]] grouping group() const noexcept { return group_; }

  /// From now on there is a command; `root` is the process whose descendants are the command's, and
  /// maybe itself.
  /// The command is a child that has not been reaped until it is forgotten.
  void set_command(const pidfd* command, pid_t root) noexcept;
  [[nodiscard]] pid_t root() const noexcept { return root_; }
  void forget_command() noexcept {
    command_ = nullptr;
    if (root_ == command_pid_) root_ = 0;
  }
  /// Nothing below it is the command's any more: signals to the tree reach nobody.
  void forget_root() noexcept { root_ = 0; }

  /// Children of the root that are none of the command's: signals to the tree pass over them, and
  /// over all below them.
  void leave_out(pid_t pid) { left_out_.insert(pid); }
  void leave_in(pid_t pid) noexcept { left_out_.erase(pid); }

  /// Sends `signal`, followed by CONT where it terminates and can be acted on. False where the
  /// command may not be sent it (EPERM).
  bool send(signal_id signal, scope reach);

  /// Sends what came as it came: with value and sender where it was queued, and nothing after it,
  /// but for what ends a tree. Returns 0, or errno of what the command did not get: EAGAIN (it has
  /// too many queued signals), EPERM.
  int pass_on(const siginfo_t& received, scope reach);

  /// What is left below the root, but for what is left out.
  [[nodiscard]] std::vector<process_facts> descendants_left() const;

  /// Whom that would reach, at this moment.
  [[nodiscard]] std::vector<process_facts> targets(scope reach) const;

  /// The terminal sent a signal to the command, which can act on it only when it runs.
  void continue_if_stopped();

  /// Whether the command leads a session of its own.
  [[nodiscard]] bool leads_session() const noexcept { return leads_session_; }

  /// The group that this process leads with the command in it, or the one that it is in.
  [[nodiscard]] pid_t own_group() const noexcept;

  /// Whether `pid` is in the group that send(…, scope::group) sends to in one call, so that what
  /// it sends to that group comes back here.
  [[nodiscard]] bool is_in_own_group(pid_t pid) const noexcept;

private:
  void send_over(signal_id signal, scope reach);
  void note(delivery result) noexcept;
  void send_to_command(signal_id signal, bool then_continue);
  delivery send_directly(signal_id signal) const;
  void send_to_group(signal_id signal);
  int pass_on_to_group(const siginfo_t& received);
  int pass_on_to_command(const siginfo_t& received) const;
  int pass_on_by_number(const siginfo_t& received) const;
  int pass_on_to_session(const siginfo_t& received);
  int pass_on_to_tree(const siginfo_t& received,
                      const std::function<bool(const process_facts&)>& wanted, bool freezes) const;
  static void send_to_all_where(signal_id signal,
                                const std::function<bool(const process_facts&)>& belongs);
  void send_to_whole_group(signal_id signal, pid_t group);
  void send_to_foreground_members(signal_id signal);
  void send_to_session(signal_id signal);
  [[nodiscard]] tree_walk walk_of_tree() const;
  void send_to_tree(signal_id signal);
  void send_to_cgroup(signal_id signal);
  void send_to_descendants(signal_id signal,
                           const std::function<bool(const process_facts&)>& wanted) const;
  void signal_group(signal_id signal, pid_t group);
  bool leave_group() noexcept;

  grouping group_ = grouping::none;
  pid_t original_group_;
  pid_t command_pid_ = 0;
  const pidfd* command_ = nullptr;
  pid_t root_ = 0;
  std::set<pid_t> left_out_;
  const cgroup* control_group_;
  bool dedicated_process_;
  bool continue_single_;
  bool leads_session_;
  bool refused_ = false; ///< the command did not get what was sent, since it is another user's
};

/// Calls `act` once for every process for which `belongs` is true, but not for this one, with its
/// open /proc/PID, until a pass over /proc finds no new one.
void for_all_where(const std::function<bool(const process_facts&)>& belongs,
                   const std::function<void(int process)>& act);

} // namespace sigkit
