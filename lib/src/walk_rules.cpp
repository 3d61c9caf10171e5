#include "walk_rules.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include <sigkit/selection.hpp>

#include "proc.hpp"
#include "system.hpp"

namespace sigkit {

namespace {

std::optional<std::string> cgroup_path_of(pid_t pid) {
  const unique_fd process = proc::open_process(pid);
  return process.has_value() ? proc::cgroup_path(process.get()) : std::nullopt;
}

/// One that was removed has no members.
void add_members(const cgroup& one, std::vector<pid_t>& members) {
  try {
    for (const pid_t pid : one.members())
      if (pid > 0) members.push_back(pid);
  } catch (const error& failed) {
    if (failed.code().value() != ENODEV && failed.code().value() != ENOENT) throw;
  }
}

} // namespace

/// Who is put into a group from outside is a sibling of its leader, whose parent put it there.
void orphan_rule::add_root(const process_facts& root) {
  std::vector<pid_t> above = ancestors(root.pid);
  if (!above.empty() && above.front() != 1) above.erase(above.begin());
  reapers_.insert(above.begin(), above.end());
  reapers_.insert(1);
  add_cgroup_of(root);
}

/// A session's scope, or that of a container, has older members than a job in it.
void orphan_rule::add_cgroup_of(const process_facts& root) {
  const auto path = cgroup_path_of(root.pid);
  if (!path || *path == "/" || root.parent == 0) return;
  const auto above = cgroup_path_of(root.parent);
  auto found = cgroup::of(root.pid);
  if (!above || proc::is_in_cgroup(*above, *path) || !found) return;
  std::vector<pid_t> members;
  add_members(*found, members);
  const auto is_older = [&](pid_t member) {
    const auto facts = read_process(member);
    return facts && facts->start_time < root.start_time;
  };
  if (std::ranges::none_of(members, is_older))
    cgroups_.emplace(*path, own_cgroup{std::move(*found), root.start_time});
}

std::vector<pid_t> orphan_rule::candidates(const tree_walk& walk) {
  std::map<pid_t, std::uint64_t> sessions;
  std::map<pid_t, std::uint64_t> groups;
  // Where the leader has ended, its number stands for the same as long as it is in use.
  const auto note = [](pid_t id, const process_facts& member, const auto& before, auto& now) {
    if (id == member.pid) now.emplace(id, member.start_time);
    if (const auto known = before.find(id); known != before.end()) now.insert(*known);
  };
  for (const process_facts& member : walk.facts()) {
    note(member.session, member, sessions_, sessions);
    note(member.group, member, groups_, groups);
  }
  sessions_ = std::move(sessions);
  groups_ = std::move(groups);
  std::vector<pid_t> found;
  if (!sessions_.empty() || !groups_.empty())
    for (const process_facts& facts : proc::processes())
      if (descends(facts)) found.push_back(facts.pid);
  for (const auto& [path, one] : cgroups_)
    add_members(one.held, found);
  return found;
}

bool orphan_rule::is_orphan_since(const process_facts& facts, std::uint64_t start) const {
  return facts.start_time >= start && reapers_.contains(facts.parent);
}

bool orphan_rule::descends(const process_facts& facts) const {
  const auto session = sessions_.find(facts.session);
  if (session != sessions_.end() && facts.start_time >= session->second) return true;
  const auto group = groups_.find(facts.group);
  return group != groups_.end() && is_orphan_since(facts, group->second);
}

bool orphan_rule::includes(const process_facts& facts, int process) {
  if (descends(facts)) return true;
  const auto path = cgroups_.empty() ? std::nullopt : proc::cgroup_path(process);
  return path && std::ranges::any_of(cgroups_, [&](const auto& entry) {
           return proc::is_in_cgroup(*path, entry.first) &&
                  is_orphan_since(facts, entry.second.since);
         });
}

void id_rule::add_root(const process_facts& root) {
  if (root.*id_ == 0)
    fail(ENODEV, std::string("the ") + what_ + " of process " + std::to_string(root.pid) +
                     ", which is outside this PID namespace");
  ids_.insert(root.*id_);
}

std::vector<pid_t> id_rule::candidates(const tree_walk& walk) {
  pinned_.clear();
  for (const process_facts& member : walk.facts())
    if (ids_.contains(member.*id_)) pinned_.insert(member.*id_);
  std::vector<pid_t> found;
  if (pinned_.empty()) return found;
  for (const process_facts& facts : proc::processes())
    if (includes(facts, -1)) found.push_back(facts.pid);
  return found;
}

bool id_rule::includes(const process_facts& facts, int /*process*/) {
  return pinned_.contains(facts.*id_);
}

void cgroup_rule::add_root(const process_facts& root) {
  const auto path = cgroup_path_of(root.pid);
  auto found = path ? cgroup::of(root.pid) : std::nullopt;
  if (!found) fail(ENODEV, "the cgroup (version 2) of process " + std::to_string(root.pid));
  everything_ = everything_ || *path == "/";
  cgroups_.emplace(*path, std::move(*found));
}

std::vector<pid_t> cgroup_rule::candidates(const tree_walk& /*walk*/) {
  std::vector<pid_t> found;
  for (const auto& [path, one] : cgroups_)
    add_members(one, found);
  return found;
}

bool cgroup_rule::includes(const process_facts& /*facts*/, int process) {
  const auto path = proc::cgroup_path(process);
  return path && std::ranges::any_of(cgroups_, [&](const auto& entry) {
           return proc::is_in_cgroup(*path, entry.first);
         });
}

void cgroup_rule::freeze() {
  if (by_signals_) return;
  for (const auto& [path, one] : cgroups_) {
    try {
      freezing_.emplace_back(one);
      const std::vector<pid_t> members = one.members();
      frozen_.insert(members.begin(), members.end());
    } catch (const error&) { // it is not ours: its members are stopped by STOP
      continue;
    }
  }
}

void cgroup_rule::thaw(std::optional<signal_id> for_all) noexcept {
  if (for_all == sigkill && !by_signals_)
    for (const auto& [path, one] : cgroups_) {
      const unique_fd file(::openat(one.descriptor(), "cgroup.kill", O_WRONLY | O_CLOEXEC));
      if (file.has_value()) sys::write_all(file.get(), "1");
    }
  freezing_.clear();
  frozen_.clear();
}

} // namespace sigkit
