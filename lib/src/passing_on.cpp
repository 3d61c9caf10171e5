// Signals that go to the command as they came.
#include <unistd.h>

#include <sigkit/send.hpp>

#include "command_scope.hpp"
#include "system.hpp"
#include "tree_walk.hpp"

namespace sigkit {

namespace {

std::optional<int> value_of(const siginfo_t& received) {
  if (received.si_code != SI_QUEUE) return std::nullopt;
  return received.si_value.sival_int;
}

} // namespace

int command_scope::pass_on(const siginfo_t& received, scope reach) {
  switch (reach) {
  case scope::process: return pass_on_to_command(received);
  case scope::group: pass_on_to_group(received); break;
  case scope::session: pass_on_to_session(received); break;
  case scope::cgroup:
    if (value_of(received))
      pass_on_to_tree(received);
    else
      send_to_cgroup(signal_id(received.si_signo));
    break;
  case scope::tree:
  case scope::pid_namespace:
  case scope::automatic: pass_on_to_tree(received); break;
  }
  return 0;
}

int command_scope::pass_on_to_command(const siginfo_t& received) const {
  if (command_ == nullptr) return 0;
  return sys::pidfd_pass_on(command_->descriptor(), received) == EAGAIN ? EAGAIN : 0;
}

/// This process, where it is a member, blocks what it has received.
void command_scope::pass_on_to_group(const siginfo_t& received) const {
  if (group_ == grouping::none) {
    pass_on_to_command(received);
    return;
  }
  const pid_t group = group_ == grouping::command ? command_pid_ : ::getpgrp();
  const auto is_other_member = [&](const process_facts& facts) {
    return facts.group == group && facts.pid != command_pid_;
  };
  const signal_id signal(received.si_signo);
  // The number is the command's as long as it has not been reaped.
  const bool has_number = group_ == grouping::supervisor || command_ != nullptr;
  if (group_ == grouping::foreground || !has_number) {
    pass_on_to_command(received);
    if (!proc_is_usable()) return;
    tree_walk walk = walk_of_tree();
    walk.find_all();
    walk.send({.signal = signal,
               .value = value_of(received),
               .wanted = is_other_member,
               .tell = [](const process_facts&, int) {}});
  } else if (value_of(received) && proc_is_usable()) {
    pass_on_to_command(received);
    for_all_where(is_other_member, [&](int process) { sys::pidfd_pass_on(process, received); });
  } else {
    const bool has_left = command_ != nullptr && ::getpgid(command_pid_) != group;
    if (has_left) pass_on_to_command(received);
    send_group(group_ == grouping::supervisor ? 0 : group, signal);
  }
}

void command_scope::pass_on_to_session(const siginfo_t& received) const {
  const auto in_session = [this](const process_facts& facts) {
    return facts.session == command_pid_;
  };
  if (command_ != nullptr) {
    for_all_where(in_session, [&](int process) { sys::pidfd_pass_on(process, received); });
    return;
  }
  tree_walk walk = walk_of_tree(); // the number may be another session's by now
  walk.find_all();
  walk.send({.signal = signal_id(received.si_signo),
             .value = value_of(received),
             .wanted = in_session,
             .tell = [](const process_facts&, int) {}});
}

void command_scope::pass_on_to_tree(const siginfo_t& received) const {
  const signal_id signal(received.si_signo);
  const walk_signal what{
      .signal = signal, .value = value_of(received), .tell = [](const process_facts&, int) {}};
  tree_walk walk = walk_of_tree();
  if (signal.terminates()) {
    walk.end_all(what);
    return;
  }
  walk.find_all();
  walk.send(what);
}

} // namespace sigkit
