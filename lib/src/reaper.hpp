#pragma once

#include <sys/types.h>

#include <csignal>
#include <optional>
#include <utility>
#include <vector>

#include <sigkit/exit_status.hpp>
#include <sigkit/pidfd.hpp>
#include <sigkit/spawn.hpp>
#include <sigkit/unique_fd.hpp>

namespace sigkit {

/// A process between the supervisor and the command, which is the subreaper of all that the
/// command leaves behind. It is there where the supervisor cannot be the subreaper itself, since
/// it has children that are none of its business, or where the command is in a PID namespace of its
/// own. It lives until all its descendants have ended.
class reaper {
public:
  reaper() = default;
  reaper(const reaper&) = delete;
  reaper& operator=(const reaper&) = delete;
  /// Ends the process and reaps it. What it still has for descendants goes to the next subreaper.
  ~reaper();

  /// Makes the process, has it start the command, and returns what spawn() returned there.
  /// With `own_namespace` it is PID 1 of a new PID namespace, and a second process, outside, waits
  /// for it. Throws where that fails.
  spawn_result start(char* const* argv, spawn_options options, bool own_namespace);

  /// The process whose descendants are the command and all that it started.
  [[nodiscard]] pid_t root() const noexcept { return root_; }

  /// Whether it is the child that start() has made.
  [[nodiscard]] bool is_own_process(pid_t pid) const noexcept { return pid == pid_; }

  /// Readable when there is something to learn().
  [[nodiscard]] int descriptor() const noexcept { return connection_.get(); }

  /// The command's end was taken in, nothing is sent to its PID any more: it may be reaped.
  void let_go_of_command() { say_go(); }

  /// Takes in what the reaper reported, without waiting.
  void learn();

  /// The signals that were sent to it since this was asked last.
  [[nodiscard]] std::vector<siginfo_t> take_received() { return std::exchange(received_, {}); }

  /// The signal that has stopped the command since this was asked last.
  [[nodiscard]] std::optional<signal_id> take_stop() {
    return std::exchange(stopped_by_, std::nullopt);
  }

  /// How the command ended, once it has.
  [[nodiscard]] std::optional<exit_status> command() const noexcept { return command_; }
  /// Whether others were left when it had ended.
  [[nodiscard]] bool others_left() const noexcept { return others_left_; }
  /// Whether no descendant is left.
  [[nodiscard]] bool all_gone() const noexcept { return all_gone_; }

private:
  struct report;
  void make_process(char* const* argv, const spawn_options& options, bool own_namespace);
  spawn_result hear_of_start(bool own_namespace);
  void go_on_if_stopped() const noexcept;
  void say_go();
  /// It has said its last word, and is about to end: nothing of it is left when this returns.
  void see_it_end() noexcept;

  unique_fd connection_;
  pid_t pid_ = -1; ///< our child, which nobody else reaps
  pid_t root_ = -1;
  bool watching_ = false;
  std::optional<exit_status> command_;
  std::vector<siginfo_t> received_;
  std::optional<signal_id> stopped_by_;
  bool others_left_ = false;
  bool all_gone_ = false;
};

} // namespace sigkit
