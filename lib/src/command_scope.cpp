#include "command_scope.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <sigkit/process_tree.hpp>
#include <sigkit/send.hpp>

#include "delivery.hpp"
#include "proc.hpp"
#include "system.hpp"
#include "tree_walk.hpp"

namespace sigkit {

namespace {

/// Whether sending it to our own group could stop or end this process, which blocks all that can
/// be blocked, but for TSTP where it does not stand in for the command. PID 1 is spared by the
/// kernel.
bool would_reach_us(signal_id signal) noexcept {
  if (::getpid() == 1) return false;
  return signal == sigkill || signal == sigstop || signal == sigtstp || signal.is_reserved();
}

bool needs_continue(signal_id signal) noexcept {
  return signal.terminates() && signal != sigkill;
}

} // namespace

bool is_foreground() {
  const unique_fd terminal = sys::open_at(AT_FDCWD, "/dev/tty", O_RDONLY | O_NOCTTY);
  return terminal.has_value() && ::tcgetpgrp(terminal.get()) == ::getpgrp();
}

command_scope::command_scope(const setting& wanted)
    : original_group_(::getpgrp()), control_group_(wanted.control_group),
      dedicated_process_(wanted.dedicated_process), continue_single_(!wanted.foreground),
      leads_session_(wanted.new_session) {
  const bool leads_already = original_group_ == ::getpid();
  if (wanted.new_session)
    group_ = grouping::command;
  else if (wanted.foreground)
    group_ = grouping::none;
  else if (!wanted.dedicated_process)
    group_ = grouping::command;
  else if (is_foreground() && proc_is_usable())
    group_ = grouping::foreground;
  else if (leads_already && wanted.had_children)
    group_ = grouping::command;
  else if (leads_already || ::setpgid(0, 0) == 0)
    group_ = grouping::supervisor;
  else
    group_ = grouping::command;
}

void command_scope::set_command(const pidfd* command, pid_t root) noexcept {
  command_ = command;
  command_pid_ = command->pid();
  root_ = root;
}

bool command_scope::send(signal_id signal, scope reach) {
  refused_ = false;
  send_over(signal, reach);
  return !refused_;
}

void command_scope::send_over(signal_id signal, scope reach) {
  switch (reach) {
  case scope::process: send_to_command(signal, continue_single_); break;
  case scope::group: send_to_group(signal); break;
  case scope::session: send_to_session(signal); break;
  case scope::cgroup: send_to_cgroup(signal); break;
  case scope::tree:
  case scope::pid_namespace:
  case scope::automatic: send_to_tree(signal); break;
  }
}

tree_walk command_scope::walk_of_tree() const {
  tree_walk walk(root_, left_out_);
  if (root_ == ::getpid()) walk.reap_all_but(command_pid_);
  if (dedicated_process_) walk.keep_more_files();
  return walk;
}

void command_scope::send_to_tree(signal_id signal) {
  tree_walk walk = walk_of_tree();
  if (!signal.terminates()) walk.find_all();
  const tree_delivery result =
      signal.terminates() ? walk.end_all({.signal = signal}) : walk.send({.signal = signal});
  refused_ = std::ranges::any_of(result.not_permitted, [this](const process_facts& facts) {
    return facts.pid == command_pid_;
  });
  if (!walk.has(command_pid_)) send_to_command(signal, true);
}

/// The kernel freezes and kills what is in the cgroup. What had itself moved out is found as tree.
void command_scope::send_to_cgroup(signal_id signal) {
  if (command_ != nullptr) note(send_directly(signull));
  std::vector<pid_t> members = control_group_->members();
  control_group_->send(signal);
  if (needs_continue(signal)) control_group_->send(sigcont);
  const std::vector<pid_t> later = control_group_->members();
  members.insert(members.end(), later.begin(), later.end());
  std::ranges::sort(members);
  const auto outside = [&members](const process_facts& facts) {
    return facts.state != 'Z' && !std::ranges::binary_search(members, facts.pid);
  };
  tree_walk walk = walk_of_tree();
  walk.find_all();
  if (std::ranges::none_of(walk.facts(), outside)) return;
  if (signal.terminates())
    walk.end_all({.signal = signal, .wanted = outside});
  else
    walk.send({.signal = signal, .wanted = outside});
}

std::vector<process_facts> command_scope::descendants_left() const {
  tree_walk walk = walk_of_tree();
  walk.pass(false, sys::clock::time_point::max());
  return walk.facts();
}

std::vector<process_facts> command_scope::targets(scope reach) const {
  const auto belongs = [&](const process_facts& facts) {
    if (facts.state == 'Z' || facts.state == 'X' || left_out_.contains(facts.pid)) return false;
    if (reach == scope::group && group_ == grouping::foreground) return facts.group == ::getpgrp();
    if (reach == scope::group && group_ == grouping::supervisor)
      return facts.group == ::getpid() && facts.pid != ::getpid();
    if (reach == scope::group && group_ == grouping::command) return facts.group == command_pid_;
    if (reach == scope::session) return facts.session == command_pid_;
    return reaches_all(reach) || (command_ != nullptr && facts.pid == command_pid_);
  };
  const bool in_tree =
      reaches_all(reach) || (reach == scope::group && group_ == grouping::foreground);
  std::vector<process_facts> found = in_tree ? descendants(root_) : proc::processes();
  std::erase_if(found, [&](const process_facts& facts) { return !belongs(facts); });
  return found;
}

void command_scope::send_to_command(signal_id signal, bool then_continue) {
  if (command_ == nullptr) return;
  note(send_directly(signal));
  if (then_continue && needs_continue(signal)) send_directly(sigcont);
}

/// Where it may not be sent by the pidfd (seccomp(2), or before Linux 5.1) the number is as good:
/// it is a child that has not been reaped.
delivery command_scope::send_directly(signal_id signal) const {
  int failed = sys::pidfd_send_signal(command_->descriptor(), signal);
  if (failed != 0 && failed != ESRCH) failed = sys::kill_child(command_pid_, signal);
  return to_delivery(failed, [&] {
    return "kill(2) of " + signal.name() + " to process " + std::to_string(command_pid_);
  });
}

void command_scope::send_to_group(signal_id signal) {
  switch (group_) {
  case grouping::none: send_to_command(signal, false); break;
  case grouping::foreground: send_to_foreground_members(signal); break;
  case grouping::supervisor: send_to_whole_group(signal, ::getpid()); break;
  case grouping::command:
    if (command_ != nullptr)
      send_to_whole_group(signal, command_pid_);
    else // its number may be another group's by now
      send_to_descendants(
          signal, [this](const process_facts& facts) { return facts.group == command_pid_; });
    break;
  }
}

void command_scope::send_to_whole_group(signal_id signal, pid_t group) {
  const auto command_is_member = [&] {
    return command_ != nullptr && ::getpgid(command_pid_) == group;
  };
  const bool ends = needs_continue(signal);
  const bool was_member = command_is_member();
  // The command must not see its children end before it has the signal itself, and a second one of
  // the same kind would tell many programs to give up at once. So it stands still until the whole
  // group has it.
  if (was_member) note(send_directly(ends ? sigstop : signull));
  if (!was_member) send_to_command(signal, true);
  signal_group(signal, group);
  if (was_member && !command_is_member()) send_to_command(signal, true); // left in between
  if (!ends) return;
  signal_group(sigcont, group);
  if (was_member) send_to_command(sigcont, false);
}

/// kill(2) of the whole group, in one call.
void command_scope::signal_group(signal_id signal, pid_t group) {
  if (group != ::getpid()) {
    send_group(group, signal);
  } else if (::getpgrp() == group && !would_reach_us(signal)) {
    send_group(0, signal); // not by number: for PID 1 that would be everyone
  } else if (leave_group()) {
    send_group(group, signal);
  } else if (proc_is_usable()) {
    send_to_all_where(signal, [group](const process_facts& facts) { return facts.group == group; });
  } else {
    send_to_command(signal, false);
    // As timeout(1) does it, where there is no other way: this process ends with its group.
    if (signal == sigkill) send_group(0, signal);
  }
}

void command_scope::send_to_all_where(signal_id signal,
                                      const std::function<bool(const process_facts&)>& belongs) {
  int failure = 0;
  for_all_where(belongs, [&, ends = needs_continue(signal)](int process) {
    const int sent = sys::pidfd_send_signal(process, signal);
    if (sent != ESRCH && sent != EPERM && failure == 0) failure = sent;
    if (ends) sys::pidfd_send_signal(process, sigcont);
  });
  if (failure != 0) fail(failure, sys::pidfd_send_signal_named(failure) + " of " + signal.name());
}

void command_scope::send_to_session(signal_id signal) {
  const auto in_session = [this](const process_facts& facts) {
    return facts.session == command_pid_;
  };
  if (command_ != nullptr) {
    send_to_command(signal, true);
    send_to_all_where(signal, [&](const process_facts& facts) {
      return in_session(facts) && facts.pid != command_pid_;
    });
  } else { // its number may be another session's by now
    send_to_descendants(signal, in_session);
  }
}

void command_scope::send_to_descendants(
    signal_id signal, const std::function<bool(const process_facts&)>& wanted) const {
  tree_walk walk = walk_of_tree();
  walk.find_all();
  walk.send({.signal = signal, .wanted = wanted});
  if (needs_continue(signal)) walk.send({.signal = sigcont, .wanted = wanted});
}

/// Goes over to another group, so that what cannot be blocked can be sent to our own in one call.
/// False where there is none to go to.
bool command_scope::leave_group() noexcept {
  if (::getpgrp() != ::getpid()) return true; // gone over before
  const std::array<pid_t, 2> others{original_group_, ::getpgid(::getppid())};
  return std::ranges::any_of(others, [](pid_t other) {
    return other > 0 && other != ::getpid() && ::setpgid(0, other) == 0;
  });
}

void command_scope::send_to_foreground_members(signal_id signal) {
  const bool ends = needs_continue(signal);
  if (command_ != nullptr && ends) note(send_directly(sigstop));
  send_to_command(signal, false);
  // Where /proc hides the command, there is nobody else to be found.
  if (read_process(root_)) {
    const auto others_in_group = [this, group = ::getpgrp()](const process_facts& facts) {
      return facts.group == group && facts.pid != command_pid_;
    };
    send_to_descendants(signal, others_in_group);
  }
  if (ends) send_to_command(sigcont, false);
}

void command_scope::note(delivery result) noexcept {
  refused_ = refused_ || result == delivery::not_permitted;
}

void command_scope::continue_if_stopped() {
  if (command_ == nullptr) return;
  if (proc_is_usable()) {
    const std::optional<process_facts> facts = read_process(command_pid_);
    if (facts && facts->state != 'T') return;
  }
  send(sigcont, scope::group);
}

/// It may have left the one that it leads (leave_group()).
pid_t command_scope::own_group() const noexcept {
  return group_ == grouping::supervisor ? ::getpid() : ::getpgrp();
}

bool command_scope::is_in_own_group(pid_t pid) const noexcept {
  return group_ == grouping::supervisor && pid > 0 && ::getpgid(pid) == ::getpid();
}

void for_all_where(const std::function<bool(const process_facts&)>& belongs,
                   const std::function<void(int process)>& act) {
  constexpr int enough = 100;
  const pid_t self = ::getpid();
  std::set<std::pair<pid_t, std::uint64_t>> known;
  for (int passes = 0; passes < enough; ++passes) {
    bool found_new = false;
    for (const pid_t pid : proc::pids()) {
      const unique_fd process = proc::open_process(pid);
      if (pid == self || !process.has_value()) continue;
      const auto facts = proc::read_stat(process.get(), "stat");
      if (!facts || !belongs(*facts) || !known.emplace(pid, facts->start_time).second) continue;
      found_new = true;
      act(process.get());
    }
    if (!found_new) return;
  }
}

} // namespace sigkit
