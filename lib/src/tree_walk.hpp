#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include <sigkit/process.hpp>
#include <sigkit/process_tree.hpp>
#include <sigkit/signal_id.hpp>
#include <sigkit/unique_fd.hpp>

namespace sigkit {

/// The descendants of one process, gone over again and again until they are all known.
class tree_walk {
public:
  /// Throws where /proc is not usable.
  explicit tree_walk(pid_t root);

  /// Goes over the tree once, from the top; with `stop`, sends STOP to each process that it sees
  /// for the first time. True where the pass found the same processes as the one before, and both
  /// found every thread at rest: stopped, ended, or in uninterruptible sleep.
  bool pass(bool stop);

  /// Passes that stop what they find, until pass() says that all is at rest; false after 1 s.
  bool freeze();

  /// Passes until one finds nothing new, at most a hundred.
  void find_all();

  /// Sends `signal` to all that the last pass has found, that `wanted` accepts, and that are still
  /// there.
  tree_delivery send(signal_id signal,
                     const std::function<bool(const process_facts&)>& wanted = {});

  /// What the last pass found, parents before their children.
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
  bool visit(pid_t pid, pid_t parent, bool stop);
  bool look_at(member& seen, bool stop, bool is_new);
  bool visit_hidden(pid_t pid, pid_t parent, bool stop);
  bool is_listed_child(pid_t pid, pid_t parent);
  int send_to(const member& target, signal_id signal) const;
  static unique_fd reopen(const member& target);
  std::size_t forget_what_was_not_seen();

  pid_t root_;
  unique_fd root_process_;
  bool has_children_files_;
  std::map<pid_t, member> members_;
  std::multimap<pid_t, pid_t> by_parent_; ///< where the kernel has no children files
  std::vector<pid_t> order_;
  unsigned pass_number_ = 0;
  bool found_new_ = false;
};

} // namespace sigkit
