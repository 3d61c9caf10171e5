#pragma once

#include <sys/types.h>

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include <sigkit/escalation.hpp>

#include "end_watch.hpp"
#include "system.hpp"
#include "walk_rules.hpp"

namespace sigkit::detail {

/// The processes that a scope reaches, known from step to step.
struct scope_walk {
  std::unique_ptr<membership> rule;
  cgroup_rule* control_groups; ///< the rule, for that scope; else null
  tree_walk walk;
};

class escalation_run {
public:
  explicit escalation_run(const escalation_options& options);

  void add(process_ref&& whom);
  bool add_thread(pid_t thread, pid_t process);
  void add_group(pid_t group);
  void find();
  void check();
  wait_end advance();

  [[nodiscard]] const std::vector<addressee>& addressees() const noexcept { return addressees_; }
  [[nodiscard]] bool reaches_self() const noexcept { return reaches_self_; }

private:
  struct rung {
    duration after;
    signal_id signal;
    scope reach;
  };
  /// What the addressee of the same index is reached by.
  struct target {
    std::optional<process_ref> process;
    std::optional<pidfd> thread; ///< held itself, where the kernel can
    bool by_walk = false;        ///< found by a scope
    bool watched = false;
  };

  [[nodiscard]] bool goes_on() const noexcept { return rungs_.size() > 1 || options_.wait; }
  std::size_t append(addressee&& one, target&& held);
  std::size_t index_of(const process_facts& facts, const tree_walk* walk = nullptr);
  process_ref hold(const process_facts& facts);
  [[nodiscard]] bool is_same(std::size_t index, const process_facts& facts) const;
  [[nodiscard]] process_facts facts_of(std::size_t index) const;
  void check_not_found() const;

  [[nodiscard]] bool has_members_apart() const noexcept;
  void find_members();
  void find_scope(scope reach, std::size_t budget);
  void add_roots(scope reach, scope_walk& made);

  void take_step(const rung& next);
  void send_to_each(signal_id signal);
  void send_to_groups(signal_id signal);
  void send_to_group(std::size_t index, signal_id signal);
  void send_over(scope reach, signal_id signal);
  [[nodiscard]] bool is_wanted(std::size_t index, signal_id signal);
  static void send_until_all_have_it(tree_walk& walk, walk_signal what);
  [[nodiscard]] bool is_not_for_us(pid_t pid) const;
  [[nodiscard]] delivery send_in_one_call(pid_t group, signal_id signal) const;
  [[nodiscard]] sending check_one(std::size_t index) const;
  void note_ended_roots(signal_id signal);
  [[nodiscard]] bool is_out(const addressee& one) const;
  [[nodiscard]] static bool is_own_group(pid_t group);
  [[nodiscard]] bool lacks_handler(const process_ref& whom, signal_id signal) const;
  sending send_to(const addressee& one, const target& held, signal_id signal) const;
  void record(std::size_t index, signal_id signal, sending outcome);

  void watch_those_sent(signal_id signal);
  void take_ended();
  [[nodiscard]] duration now() const { return sys::clock::now() - start_; }

  escalation_options options_;
  std::vector<rung> rungs_;
  std::vector<addressee> addressees_;
  std::deque<target> targets_; ///< which stay where they are
  std::map<pid_t, std::size_t> by_pid_;
  std::multimap<pid_t, std::size_t> by_group_; ///< members of groups that were added
  std::map<scope, scope_walk> walks_;
  std::set<pid_t> own_; ///< this process and its ancestors, where a scope has to know
  std::optional<end_watch> watch_;
  std::size_t budget_; ///< how many pidfds are kept
  std::size_t held_ = 0;
  bool found_ = false;
  bool reaches_self_ = false;
  std::size_t next_ = 0;
  sys::clock::time_point start_;
  sys::clock::time_point due_;
};

} // namespace sigkit::detail
