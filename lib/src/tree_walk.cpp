#include "tree_walk.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "proc.hpp"
#include "system.hpp"
#include "text.hpp"

namespace sigkit {

namespace {

// Files of members are kept open from pass to pass. What is beyond these is opened again each time,
// and compared by its start time: slower, and as safe. The kernel has a page for each that was
// read.
std::size_t own_budget() {
  return std::min<std::size_t>(3072, sys::descriptor_budget());
}

constexpr std::size_t files_of_member = 3;

bool is_at_rest(int process, pid_t thread, char state) {
  if (state != 'D') return std::strchr("TtZX", state) != nullptr;
  const std::string folder = "task/" + std::to_string(thread);
  const auto call = proc::read_text(process, (folder + "/syscall").c_str());
  const auto channel = proc::read_text(process, (folder + "/wchan").c_str());
  return !call || !channel || !is_making_process(*call, *channel);
}

/// A process whose first thread has ended still runs while another thread does.
bool all_threads_at_rest(int process, const process_facts& facts) {
  if (facts.threads == 1) return is_at_rest(process, facts.pid, facts.state);
  return std::ranges::all_of(proc::threads(process), [&](pid_t thread) {
    const auto of_thread =
        proc::read_stat(process, ("task/" + std::to_string(thread) + "/stat").c_str());
    return !of_thread || is_at_rest(process, thread, of_thread->state);
  });
}

} // namespace

bool is_making_process(std::string_view system_call, std::string_view wait_channel) {
  const auto number = parse_decimal<long>(cut(system_call, ' '));
  if (!number) return false;
  bool makes = *number == SYS_clone || *number == SYS_clone3;
#ifdef SYS_fork // not on every architecture
  makes = makes || *number == SYS_fork || *number == SYS_vfork;
#endif
  const bool has_made = wait_channel == "kernel_clone" || wait_channel == "wait_for_vfork_done";
  const bool is_known = !wait_channel.empty() && wait_channel != "0";
  return makes && is_known && !has_made;
}

void tree_walk::keep_more_files() {
  more_descriptors_ = std::make_unique<sys::raised_descriptor_limit>();
  setting_.budget = own_budget();
}

tree_walk::tree_walk(pid_t root, std::set<pid_t> left_out)
    : tree_walk({.children = true, .further = nullptr, .spared = {}, .budget = own_budget()}) {
  root_ = root;
  root_is_self_ = root == ::getpid();
  left_out_ = std::move(left_out);
  root_process_ = proc::open_process(root);
  if (!root_process_.has_value() && !sys::is_of_an_ended_process(errno))
    fail(errno, "open(2) of /proc/" + std::to_string(root));
}

tree_walk::tree_walk(walk_setting setting)
    : setting_(std::move(setting)), root_(0),
      has_children_files_(::access("/proc/thread-self/children", R_OK) == 0) {
  if (!proc_is_usable())
    fail(ENOENT, "finding a process tree: /proc does not show this PID namespace");
}

bool tree_walk::add_root(const process_facts& root) {
  member fresh;
  fresh.facts = root;
  fresh.process = reopen(fresh);
  if (!fresh.process.has_value()) return false;
  if (!has_room()) close_files(fresh);
  roots_.push_back(root.pid);
  members_.insert_or_assign(root.pid, std::move(fresh));
  return true;
}

bool tree_walk::has_room() const noexcept {
  return members_.size() < setting_.budget / files_of_member;
}

/// `process` is its open /proc directory; below 0 where there is none.
std::vector<pid_t> tree_walk::children_of(const process_facts& facts, int process) const {
  if (has_children_files_)
    return process >= 0 ? proc::children_of_all_threads(process, facts) : std::vector<pid_t>{};
  std::vector<pid_t> result;
  const auto [first, last] = by_parent_.equal_range(facts.pid);
  for (auto at = first; at != last; ++at)
    result.push_back(at->second);
  return result;
}

std::vector<pid_t> tree_walk::children_of_member(const member& known, int process) const {
  const bool kept = known.children.has_value() && known.facts.threads == 1;
  return kept ? proc::read_children(known.children.get()) : children_of(known.facts, process);
}

std::vector<pid_t> tree_walk::children_of_root() const {
  errno = 0;
  const auto facts = proc::read_stat(root_process_.get(), "stat");
  const bool has_no_root = !root_process_.has_value() || sys::is_of_an_ended_process(errno);
  if (!facts && errno != 0 && !has_no_root) fail(errno, "open(2) of /proc/PID/stat");
  return facts ? children_of(*facts, root_process_.get()) : std::vector<pid_t>{};
}

void tree_walk::collect_by_parent() {
  by_parent_.clear();
  for (const process_facts& facts : all_processes())
    by_parent_.emplace(facts.parent, facts.pid);
}

/// What was inherited may leave fewer descriptors than the limit has: then none are kept.
bool tree_walk::pass(bool stop, sys::clock::time_point deadline) {
  try {
    return pass_once(stop, deadline);
  } catch (const error& failed) {
    const bool has_room = failed.code() != std::errc::too_many_files_open &&
                          failed.code() != std::errc::too_many_files_open_in_system;
    if (has_room || setting_.budget == 0) throw;
  }
  keep_no_files();
  pass_once(stop, deadline);
  found_new_ = true;
  return false;
}

void tree_walk::keep_no_files() noexcept {
  setting_.budget = 0;
  for (auto& [pid, known] : members_)
    if (!known.hidden) close_files(known);
}

bool tree_walk::pass_once(bool stop, sys::clock::time_point deadline) {
  ++pass_number_;
  found_new_ = false;
  order_.clear();
  if (!has_children_files_) collect_by_parent();
  to_visit_.clear();
  if (root_ != 0) add_children(root_, children_of_root());
  for (const pid_t root : roots_)
    if (members_.contains(root)) to_visit_.push_back({0, root});
  bool quiet = visit_all(stop, deadline);
  // What was found before, and is not listed any more while its place in the tree changes, or since
  // it went to a subreaper further up, has not gone.
  for (const auto& [pid, known] : members_)
    if (known.last_pass != pass_number_) to_visit_.push_back({known.facts.parent, pid});
  quiet = visit_all(stop, deadline) && quiet;
  if (setting_.further != nullptr) visit_further(stop, deadline, quiet);
  for (const auto& [parent, child] : to_visit_) { // left over where the time was up
    const auto known = members_.find(child);
    if (known == members_.end() || known->second.last_pass == pass_number_) continue;
    known->second.last_pass = pass_number_;
    order_.push_back(child);
  }
  return quiet && to_visit_.empty();
}

void tree_walk::visit_further(bool stop, sys::clock::time_point deadline, bool& quiet) {
  for (const pid_t candidate : setting_.further->candidates(*this))
    to_visit_.push_back({0, candidate});
  quiet = visit_all(stop, deadline) && quiet;
}

/// The newest child first: a chain whose members fork and exit is met at its end.
void tree_walk::add_children(pid_t parent, std::vector<pid_t> children) {
  std::ranges::reverse(children);
  for (const pid_t child : children)
    to_visit_.push_back({parent, child});
}

bool tree_walk::visit_all(bool stop, sys::clock::time_point deadline) {
  bool quiet = true;
  while (!to_visit_.empty() && sys::clock::now() < deadline) {
    const auto [parent, child] = to_visit_.front();
    to_visit_.pop_front();
    if (left_out_.contains(child)) continue;
    auto found = members_.find(child);
    const bool seen = found != members_.end() && found->second.last_pass == pass_number_;
    if (seen) continue; // moved to another parent during this pass
    if (!visit(child, parent, stop)) quiet = false;
    found = members_.find(child);
    if (found != members_.end() && found->second.last_pass == pass_number_) order_.push_back(child);
  }
  return quiet;
}

/// Nobody but this process reaps its own children: such a one keeps its PID, and is not looked at
/// again. What flees leaves them by the thousand.
bool tree_walk::is_kept_zombie(const member& known) const {
  return has_ended(known.facts) && known.facts.parent == root_ && root_is_self_;
}

/// A child of this process that has ended, which the kernel tells in one call. Nothing else of it
/// is of interest: it is reaped, from here or, where it is the kept one, elsewhere.
bool tree_walk::add_own_zombie(pid_t pid, pid_t parent) {
  siginfo_t ended{};
  if (!kept_ || parent != root_ || !root_is_self_ ||
      ::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0 ||
      ended.si_pid != pid)
    return false;
  member& fresh = members_[pid];
  fresh.facts.pid = pid;
  fresh.facts.parent = parent;
  fresh.facts.state = 'Z';
  fresh.facts.threads = 1;
  fresh.at_rest = true;
  fresh.last_pass = pass_number_;
  found_new_ = true;
  return true;
}

/// False where something is new, has changed or is not at rest, so that another pass is due.
bool tree_walk::visit(pid_t pid, pid_t parent, bool stop) {
  const auto found = members_.find(pid);
  if (found != members_.end() && is_kept_zombie(found->second)) {
    found->second.last_pass = pass_number_;
    return true;
  }
  if (found != members_.end() && !found->second.hidden) return visit_known(found->second, stop);
  if (found == members_.end() && add_own_zombie(pid, parent)) return false;
  member fresh;
  fresh.process = proc::open_process(pid);
  if (!fresh.process.has_value()) return visit_hidden(pid, parent, stop);
  fresh.stat = sys::open_at(fresh.process.get(), "stat", O_RDONLY);
  const bool is_shown = fresh.stat.has_value() || sys::is_of_an_ended_process(errno);
  if (!is_shown) return visit_hidden(pid, parent, stop);
  auto facts = fresh.stat.has_value() ? proc::read_stat(fresh.stat.get()) : std::nullopt;
  // The PID was listed, and may have been recycled before it was opened.
  if (!facts || !belongs(*facts, fresh.process.get())) return false;
  const bool keeps = has_room();
  if (keeps && has_children_files_ && setting_.children)
    fresh.children = proc::open_children(fresh.process.get(), pid);
  // Known before it is stopped: whatever fails from then on, it is continued.
  member& added = members_.insert_or_assign(pid, std::move(fresh)).first->second;
  look_at(added, std::move(*facts), added.process.get(), stop, true);
  if (!keeps) close_files(added);
  found_new_ = true;
  return false;
}

void tree_walk::close_files(member& known) noexcept {
  known.process.reset();
  known.stat.reset();
  known.children.reset();
}

bool tree_walk::visit_known(member& known, bool stop) {
  unique_fd opened;
  if (!known.process.has_value()) opened = proc::open_process(known.facts.pid);
  const int process = known.process.has_value() ? known.process.get() : opened.get();
  auto facts = known.stat.has_value() ? proc::read_stat(known.stat.get())
               : process >= 0         ? proc::read_stat(process, "stat")
                                      : std::nullopt;
  if (facts && facts->start_time == known.facts.start_time)
    return look_at(known, std::move(*facts), process, stop, false);
  const pid_t pid = known.facts.pid;
  members_.erase(pid); // ended since; the PID may be another's by now
  return false;
}

/// Whatever is open now belongs to the tree where its parent does.
bool tree_walk::belongs(const process_facts& facts, int process) const {
  const bool has_parent = (root_ != 0 && facts.parent == root_) || members_.contains(facts.parent);
  if (setting_.children && has_parent) return true;
  return setting_.further != nullptr && setting_.further->includes(facts, process);
}

/// Marks it as seen in this pass, as it was just read through `process`; then its children are to
/// be visited.
bool tree_walk::look_at(member& seen, process_facts facts, int process, bool stop, bool is_new) {
  const bool was_at_rest = seen.at_rest && !is_new;
  seen.facts = std::move(facts);
  seen.at_rest = is_spared(seen.facts.pid) || all_threads_at_rest(process, seen.facts) ||
                 (setting_.further != nullptr && setting_.further->is_frozen(seen.facts));
  // Again where it does not stand still: a CONT from within the tree would undo the first one.
  // What others have stopped stays as it is; what only sleeps has a STOP waiting for it.
  const bool was_stopped = !seen.stopped && seen.at_rest && seen.facts.state == 'T';
  const bool to_stop =
      stop && !is_spared(seen.facts.pid) && !was_stopped && (!seen.stopped || !seen.at_rest);
  if (to_stop && sys::pidfd_send_signal(process, sigstop) == 0)
    seen.stopped = seen.to_continue = true;
  // One that may not be signalled is never at rest, and must not hold up the others.
  if (!seen.at_rest && stop && !is_new && sys::pidfd_send_signal(process, signull) == EPERM)
    seen.at_rest = true;
  seen.last_pass = pass_number_;
  if (setting_.children && !has_ended(seen.facts))
    add_children(seen.facts.pid, children_of_member(seen, process));
  return was_at_rest && seen.at_rest;
}

/// A child that /proc does not show (hidepid): signalled all the same. A pidfd was opened before
/// the parent is asked again whether it still is its child, so it is this child that is held.
bool tree_walk::visit_hidden(pid_t pid, pid_t parent, bool stop) {
  unique_fd held;
  const auto found = members_.find(pid);
  const bool is_new = found == members_.end();
  if (is_new) {
    const int failed = sys::pidfd_open(pid, held);
    if (failed != 0 && !sys::is_of_no_process(failed))
      fail(failed, sys::pidfd_open_named(failed) + " of process " + std::to_string(pid));
    if (failed != 0 || !is_listed_child(pid, parent)) return false;
    member& fresh = members_[pid];
    fresh.hidden = true;
    fresh.facts.pid = pid;
    fresh.facts.parent = parent;
    fresh.process = std::move(held);
    found_new_ = true;
    fresh.at_rest = true; // as far as can be known
    fresh.last_pass = pass_number_;
    if (stop) stop_hidden(fresh);
    add_listed_children(fresh);
    return false;
  }
  member& known = found->second;
  const bool alive = sys::pidfd_send_signal(known.process.get(), signull) != ESRCH;
  if (alive) known.last_pass = pass_number_;
  if (alive && stop) stop_hidden(known);
  if (alive) add_listed_children(known);
  return alive;
}

/// Of a hidden one there are only those that the list of all processes has, where that is used.
void tree_walk::add_listed_children(const member& hidden) {
  if (setting_.children) add_children(hidden.facts.pid, children_of(hidden.facts, -1));
}

void tree_walk::stop_hidden(member& known) const {
  const bool is_due = !known.stopped && !is_spared(known.facts.pid);
  if (is_due && sys::pidfd_send_signal(known.process.get(), sigstop) == 0)
    known.stopped = known.to_continue = true;
}

bool tree_walk::is_listed_child(pid_t pid, pid_t parent) const {
  const auto known = members_.find(parent);
  std::vector<pid_t> listed;
  if (known == members_.end()) {
    listed = children_of_root();
  } else {
    const unique_fd process = reopen(known->second);
    listed = children_of(known->second.facts, process.get());
  }
  return std::ranges::find(listed, pid) != listed.end();
}

void tree_walk::find_all(sys::clock::time_point deadline) {
  constexpr int enough = 100;
  for (int passes = 0; passes < enough; ++passes) {
    pass(false, sys::clock::time_point::max());
    if (!found_new_ || sys::clock::now() >= deadline) return;
  }
}

unique_fd tree_walk::reopen(const member& target) {
  unique_fd process = proc::open_process(target.facts.pid);
  if (!process.has_value()) return process;
  const auto now = proc::read_stat(process.get(), "stat");
  if (!now || now->start_time != target.facts.start_time) process.reset();
  return process;
}

process_ref tree_walk::reference_to(const process_facts& found) const {
  const auto known = members_.find(found.pid);
  const bool is_hidden = known != members_.end() && known->second.hidden;
  if (!is_hidden) return process_ref(process_identity{found.pid, found.start_time, 0});
  unique_fd copy(::fcntl(known->second.process.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy.has_value()) fail(errno, "fcntl(2) of a pidfd");
  return process_ref(pidfd(found.pid, std::move(copy)));
}

std::vector<process_facts> tree_walk::facts() const {
  std::vector<process_facts> result;
  result.reserve(order_.size());
  for (const pid_t pid : order_)
    result.push_back(members_.at(pid).facts);
  return result;
}

} // namespace sigkit
