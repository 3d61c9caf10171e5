#pragma once

#include <sys/types.h>

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include <sigkit/process.hpp>
#include <sigkit/process_tree.hpp>
#include <sigkit/signal_id.hpp>
#include <sigkit/unique_fd.hpp>

#include "system.hpp"

namespace sigkit {

/// Whether a thread with these texts of /proc/PID/task/TID/syscall and wchan, in uninterruptible
/// sleep, is about to make a process: it then does not stop before it has. One that waits for
/// vfork(2) has made it.
bool is_making_process(std::string_view system_call, std::string_view wait_channel);

/// The descendants of one process, gone over again and again until they are all known.
class tree_walk {
public:
  /// `spared`, a child of `root`, is left out with all below it; 0: none. Where `root` has ended
  /// nothing is found. Throws where /proc is not usable.
  explicit tree_walk(pid_t root, pid_t spared = 0);

  /// While freezing, children of this process that have ended are reaped, but for `kept` and the
  /// one that is spared: what flees would else leave them by the thousand, until no PID is left.
  /// For a walk of which this process is the root.
  void reap_all_but(pid_t kept) noexcept { kept_ = kept; }

  /// Goes over the tree once, from the top; with `stop`, sends STOP to each process that it sees
  /// for the first time. True where the pass found the same processes as the one before, and both
  /// found every thread at rest: stopped, ended, or in uninterruptible sleep, but not in the middle
  /// of making a process. Ends at `deadline`.
  bool pass(bool stop, sys::clock::time_point deadline);

  /// Passes that stop what they find, until pass() says that all is at rest. False where that took
  /// longer than `patience`; as long as there is something new it goes on, for 5 s at most.
  bool freeze(duration patience = std::chrono::seconds(1));

  /// Passes until one finds nothing new, at most a hundred.
  void find_all();

  /// Sends `signal` to all that the last pass has found, that `wanted` accepts, and that are still
  /// there.
  tree_delivery send(signal_id signal,
                     const std::function<bool(const process_facts&)>& wanted = {});

  /// freeze(), send() of a signal that terminates to those that are wanted, and CONT to all.
  tree_delivery end_all(signal_id signal,
                        const std::function<bool(const process_facts&)>& wanted = {});

  /// What the last pass found, parents before their children, where they kept their places.
  [[nodiscard]] std::vector<process_facts> facts() const;

private:
  struct member {
    process_facts facts;
    unique_fd process;   ///< its /proc directory; empty beyond the budget, or where it is hidden
    bool hidden = false; ///< listed as a child, but /proc does not show it
    bool at_rest = false;
    unsigned last_pass = 0;
  };

  std::vector<pid_t> children_of(pid_t pid, const member* known);
  void collect_by_parent();
  void reap_ended();
  void send_to_held(signal_id signal) const noexcept;
  void add_children(pid_t parent, std::vector<pid_t> children);
  bool visit_all(bool stop, sys::clock::time_point deadline);
  [[nodiscard]] bool is_kept_zombie(const member& known) const;
  bool visit(pid_t pid, pid_t parent, bool stop);
  bool look_at(member& seen, bool stop, bool is_new) const;
  bool visit_hidden(pid_t pid, pid_t parent, bool stop);
  bool is_listed_child(pid_t pid, pid_t parent);
  static int send_to(const member& target, signal_id signal);
  static unique_fd reopen(const member& target);

  struct edge {
    pid_t parent;
    pid_t child;
  };

  pid_t root_;
  pid_t spared_;
  std::optional<pid_t> kept_;
  unique_fd root_process_;
  std::size_t budget_; ///< how many directories are kept open
  bool has_children_files_;
  std::map<pid_t, member> members_;
  std::multimap<pid_t, pid_t> by_parent_; ///< where the kernel has no children files
  std::vector<pid_t> order_;
  std::deque<edge> to_visit_;
  unsigned pass_number_ = 0;
  bool found_new_ = false;
};

} // namespace sigkit
