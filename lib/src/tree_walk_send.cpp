// What is sent to those that were found.
#include "tree_walk.hpp"

#include <algorithm>
#include <cerrno>
#include <string>

#include "system.hpp"

namespace sigkit {

int tree_walk::send_to(const member& target, const walk_signal& what) {
  const unique_fd opened = target.process.has_value() ? unique_fd() : reopen(target);
  const int process = target.process.has_value() ? target.process.get() : opened.get();
  if (process < 0) return ESRCH;
  if (what.received != nullptr) return sys::pidfd_pass_on(process, *what.received);
  return what.value ? sys::pidfd_queue(process, what.signal, *what.value)
                    : sys::pidfd_send_signal(process, what.signal);
}

void tree_walk::send_to_one(member& target, const walk_signal& what, tree_delivery& result) {
  // As kill(2) does, a zombie that was named takes its signal.
  if (has_ended(target.facts) && std::ranges::find(roots_, target.facts.pid) == roots_.end())
    return;
  if (what.wanted && !what.wanted(target.facts)) return;
  const int failure = send_to(target, what);
  if (what.tell) what.tell(target.facts, failure);
  target.to_continue = target.to_continue || failure == 0;
  if (failure == 0)
    ++result.sent;
  else if (failure == EPERM)
    result.not_permitted.push_back(target.facts);
  else if (failure != ESRCH && !what.tell)
    fail(failure, "pidfd_send_signal(2) of " + what.signal.name() + " to process " +
                      std::to_string(target.facts.pid));
}

tree_delivery tree_walk::send(const walk_signal& what) {
  tree_delivery result;
  for (const pid_t pid : order_)
    if (!is_spared(pid)) send_to_one(members_.at(pid), what, result);
  for (const pid_t pid : order_)
    if (what.to_spared && is_spared(pid)) send_to_one(members_.at(pid), what, result);
  return result;
}

bool tree_walk::has_spared() const {
  return std::ranges::any_of(order_, [this](pid_t pid) { return is_spared(pid); });
}

void tree_walk::continue_all() noexcept {
  continue_those_left();
  const auto is_left = [](const auto& entry) { return entry.second.to_continue; };
  if (std::ranges::none_of(members_, is_left)) return;
  // No descriptor is left to open them with: those of the others make room.
  for (auto& [pid, known] : members_)
    if (!known.hidden) close_files(known);
  continue_those_left();
}

void tree_walk::continue_those_left() noexcept {
  for (auto& [pid, known] : members_) {
    try {
      if (known.to_continue && !is_spared(pid)) send_to(known, {.signal = sigcont});
      known.stopped = known.to_continue = false;
    } catch (...) {
      continue;
    }
  }
}

tree_delivery tree_walk::end_all(const walk_signal& what) {
  membership* const further = setting_.further;
  try {
    if (further != nullptr) further->freeze();
    const bool frozen = freeze();
    tree_delivery result = send(what);
    result.frozen = frozen;
    if (what.signal != sigkill || what.wanted) continue_all();
    if (further != nullptr) further->thaw(what.signal);
    return result;
  } catch (...) { // nothing is left stopped
    if (further != nullptr) further->thaw({});
    continue_all();
    throw;
  }
}

} // namespace sigkit
