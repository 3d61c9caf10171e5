#pragma once

#include <sys/types.h>

#include <cstdint>
#include <list>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <sigkit/cgroup.hpp>
#include <sigkit/process.hpp>

#include "frozen_cgroup.hpp"
#include "tree_walk.hpp"

namespace sigkit {

/// Those that descend from a member although the parents between them have ended, as far as that
/// can be told: a session has only descendants of its leader in it; so has a process group that a
/// member leads, but for those who were put there from outside; so has a cgroup below the root
/// whose oldest member is a root, the parent of which is not in it.
class orphan_rule : public membership {
public:
  void add_root(const process_facts& root) override;
  std::vector<pid_t> candidates(const tree_walk& walk) override;
  bool includes(const process_facts& facts, int process) override;

private:
  struct own_cgroup {
    cgroup held;
    std::uint64_t since; ///< when its oldest member was made
  };
  void add_cgroup_of(const process_facts& root);
  [[nodiscard]] bool is_orphan_since(const process_facts& facts, std::uint64_t start) const;
  [[nodiscard]] bool descends(const process_facts& facts) const;

  std::set<pid_t> reapers_; ///< who gets the orphans of a root: PID 1, or an ancestor of it
  std::map<pid_t, std::uint64_t> sessions_; ///< led by a member, and when that was made
  std::map<pid_t, std::uint64_t> groups_;
  std::map<std::string, own_cgroup> cgroups_;
};

/// Those of some process groups, or of some sessions, as long as a member of it is known.
class id_rule : public membership {
public:
  id_rule(pid_t process_facts::*id, const char* what) : id_(id), what_(what) {}
  /// Throws where it is outside this PID namespace: others outside have the same number then.
  void add_root(const process_facts& root) override;
  std::vector<pid_t> candidates(const tree_walk& walk) override;
  bool includes(const process_facts& facts, int process) override;

private:
  pid_t process_facts::*id_;
  const char* what_;
  std::set<pid_t> ids_;
  std::set<pid_t> pinned_; ///< a number that is in use is not given to others
};

/// Those of some cgroups, and of all below them. They are frozen by cgroup.freeze, and killed by
/// cgroup.kill, where that may be written.
class cgroup_rule : public membership {
public:
  /// Throws where the process is in none.
  void add_root(const process_facts& root) override;
  std::vector<pid_t> candidates(const tree_walk& walk) override;
  bool includes(const process_facts& facts, int process) override;
  bool is_frozen(const process_facts& facts) override { return frozen_.contains(facts.pid); }
  void freeze() override;
  void thaw(std::optional<signal_id> for_all) noexcept override;

  /// Whether a root is in the root of the hierarchy: what is in there is everything.
  [[nodiscard]] bool is_everything() const noexcept { return everything_; }
  /// Nothing is frozen or killed whole: this process is in there, or some are to be left out.
  void leave_to_signals() noexcept { by_signals_ = true; }

private:
  std::map<std::string, cgroup> cgroups_; ///< by their paths in the hierarchy
  std::list<frozen_cgroup> freezing_;
  std::set<pid_t> frozen_;
  bool everything_ = false;
  bool by_signals_ = false;
};

} // namespace sigkit
