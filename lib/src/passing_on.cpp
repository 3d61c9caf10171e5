// Signals that go to the command as they came.
#include <unistd.h>

#include <sigkit/send.hpp>

#include "command_scope.hpp"
#include "system.hpp"
#include "tree_walk.hpp"

namespace sigkit {

namespace {

bool is_queued(const siginfo_t& received) {
  return received.si_code == SI_QUEUE;
}

} // namespace

int command_scope::pass_on(const siginfo_t& received, scope reach) {
  switch (reach) {
  case scope::process: return pass_on_to_command(received);
  case scope::group: return pass_on_to_group(received);
  case scope::session: return pass_on_to_session(received);
  case scope::cgroup:
    if (is_queued(received)) break;
    return send(signal_id(received.si_signo), reach) ? 0 : EPERM;
  case scope::tree:
  case scope::pid_namespace:
  case scope::automatic: break;
  }
  return pass_on_to_tree(received, {}, signal_id(received.si_signo).terminates());
}

int command_scope::pass_on_to_command(const siginfo_t& received) const {
  if (command_ == nullptr) return 0;
  const int failure = sys::pidfd_pass_on(command_->descriptor(), received);
  if (failure == ESRCH) return 0;
  return failure == 0 || failure == EAGAIN ? failure : pass_on_by_number(received);
}

/// As send_directly() does.
int command_scope::pass_on_by_number(const siginfo_t& received) const {
  const int failure = sys::pass_on_to_child(command_pid_, received);
  return failure == ESRCH ? 0 : failure;
}

/// This process, where it is a member, blocks what it has received.
int command_scope::pass_on_to_group(const siginfo_t& received) {
  if (group_ == grouping::none) return pass_on_to_command(received);
  const pid_t group = group_ == grouping::command ? command_pid_ : own_group();
  const auto is_other_member = [&](const process_facts& facts) {
    return facts.group == group && facts.pid != command_pid_;
  };
  // The number is the command's as long as it has not been reaped.
  const bool has_number = group_ == grouping::supervisor || command_ != nullptr;
  if (group_ == grouping::foreground || !has_number) {
    const int failure = pass_on_to_command(received);
    if (proc_is_usable()) pass_on_to_tree(received, is_other_member, false);
    return failure;
  }
  if (is_queued(received) && proc_is_usable()) {
    for_all_where(is_other_member, [&](int process) { sys::pidfd_pass_on(process, received); });
    return pass_on_to_command(received);
  }
  // Not by number where it is our own: for PID 1 that would be everyone.
  send_group(::getpgrp() == group ? 0 : group, signal_id(received.si_signo));
  const bool has_left = command_ != nullptr && ::getpgid(command_pid_) != group;
  if (has_left) return pass_on_to_command(received);
  const bool refused = command_ != nullptr && send_directly(signull) == delivery::not_permitted;
  return refused ? EPERM : 0;
}

int command_scope::pass_on_to_session(const siginfo_t& received) {
  const auto is_other_member = [this](const process_facts& facts) {
    return facts.session == command_pid_ && facts.pid != command_pid_;
  };
  // Afterwards the number may be another session's.
  if (command_ == nullptr) return pass_on_to_tree(received, is_other_member, false);
  for_all_where(is_other_member, [&](int process) { sys::pidfd_pass_on(process, received); });
  return pass_on_to_command(received);
}

int command_scope::pass_on_to_tree(const siginfo_t& received,
                                   const std::function<bool(const process_facts&)>& wanted,
                                   bool freezes) const {
  int failure = 0;
  const walk_signal what{.signal = signal_id(received.si_signo),
                         .received = &received,
                         .wanted = wanted,
                         .tell = [&](const process_facts& facts, int error) {
                           if (facts.pid == command_pid_ && error != ESRCH) failure = error;
                         }};
  tree_walk walk = walk_of_tree();
  if (freezes) {
    walk.end_all(what);
  } else {
    walk.find_all();
    walk.send(what);
  }
  if (command_ == nullptr) return failure;
  if (!wanted && !walk.has(command_pid_)) return pass_on_to_command(received);
  return failure == 0 || failure == EAGAIN ? failure : pass_on_by_number(received);
}

} // namespace sigkit
