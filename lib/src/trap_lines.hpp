#pragma once

#include <csignal>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include <sigkit/pidfd.hpp>
#include <sigkit/signal_set.hpp>
#include <sigkit/trap.hpp>

#include "system.hpp"

namespace sigkit {

/// A signal that came, or the end of the command, and how far its actions are done.
struct trap_entry {
  siginfo_t received{};
  trap_occasion why{};
  std::size_t next_trap = 0; ///< the first that it has not had
  bool command_has_it = false;
  bool only_command_lacks_it = false;
};

/// Those of one signal, the first of which is at its actions.
struct trap_line {
  std::deque<trap_entry> entries;
  std::optional<pidfd> running; ///< what an action of the first entry has started
  sys::clock::time_point started{};
  bool killed = false;
  sys::clock::time_point forget_due = sys::clock::time_point::max();
};

/// What waits for its actions: a line for each signal, and one for the end of the command.
class trap_lines {
public:
  explicit trap_lines(const std::vector<trap>& traps) : traps_(&traps) {
    for (const trap& one : traps)
      trapped_ = trapped_ | one.signals;
  }

  /// The signals that have actions of their own.
  [[nodiscard]] signal_set trapped() const noexcept { return trapped_; }

  /// Puts it to the end of its line, which is returned.
  trap_line& add(const trap_entry& entry);

  /// The trap that is next for the entry; null where all have been. A signal that has none is
  /// forwarded.
  const trap* next(trap_entry& entry) const;

  [[nodiscard]] std::map<int, trap_line>& lines() noexcept { return lines_; }
  [[nodiscard]] const std::map<int, trap_line>& lines() const noexcept { return lines_; }

  /// The line whose action this process is; null where it is none.
  trap_line* running_as(pid_t pid) noexcept;

  [[nodiscard]] bool none_waits() const noexcept;
  [[nodiscard]] bool none_runs() const noexcept;

  /// Lets go of what waits in the lines of signals and has no action running, and of what would
  /// follow on one that runs; says for how many signals something was to come.
  std::size_t give_up_waiting() noexcept;

private:
  const std::vector<trap>* traps_;
  signal_set trapped_;
  std::map<int, trap_line> lines_; ///< by the signal's number; 0 for the end
};

} // namespace sigkit
