// Those that were found are frozen, and sent signals.
#include "tree_walk.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "system.hpp"

namespace sigkit {

namespace {

constexpr duration finding_limit = std::chrono::seconds(5);

/// So long as this lives, this thread sleeps no longer than it asks for: the kernel may else add as
/// much as a short pause has, to wake several sleepers at once.
class exact_sleep {
public:
  exact_sleep() noexcept : slack_(::prctl(PR_GET_TIMERSLACK)) {
    if (slack_ > 0) ::prctl(PR_SET_TIMERSLACK, 1UL);
  }
  exact_sleep(const exact_sleep&) = delete;
  exact_sleep& operator=(const exact_sleep&) = delete;
  ~exact_sleep() {
    if (slack_ > 0) ::prctl(PR_SET_TIMERSLACK, static_cast<unsigned long>(slack_));
  }

private:
  int slack_;
};

void pause_for(duration length) {
  const exact_sleep exact;
  const timespec time = sys::to_timespec(length);
  ::clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

} // namespace

bool tree_walk::freeze(duration patience) {
  const auto start = sys::clock::now();
  const auto found_by = sys::after(start, finding_limit);
  for (duration wait = std::chrono::microseconds(20); !pass(true, found_by); wait = wait * 3 / 2) {
    const auto now = sys::clock::now();
    if (now >= (found_new_ ? found_by : sys::after(start, patience))) return false;
    const bool some_run =
        std::ranges::any_of(members_, [](const auto& entry) { return !entry.second.at_rest; });
    reap_ended();
    if (some_run) pause_for(std::min<duration>(wait, std::chrono::milliseconds(5)));
  }
  return true;
}

/// A PID that is another's afterwards is met as a new one by the next pass.
void tree_walk::reap_ended() {
  if (!kept_) return;
  std::erase_if(members_, [this](const auto& entry) {
    const auto& [pid, known] = entry;
    return is_kept_zombie(known) && pid != *kept_ && !left_out_.contains(pid) &&
           ::waitpid(pid, nullptr, WNOHANG | __WALL) == pid;
  });
}

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
    fail(failure, sys::pidfd_send_signal_named(failure) + " of " + what.signal.name() +
                      " to process " + std::to_string(target.facts.pid));
}

tree_delivery tree_walk::send(const walk_signal& what) {
  tree_delivery result;
  for (const pid_t pid : order_)
    if (!is_spared(pid)) send_to_one(members_.at(pid), what, result);
  for (const pid_t pid : order_)
    if (what.to_spared && is_spared(pid)) send_to_one(members_.at(pid), what, result);
  return result;
}

bool tree_walk::has(pid_t pid) const {
  const auto known = members_.find(pid);
  return known != members_.end() && known->second.last_pass == pass_number_;
}

bool tree_walk::has_spared() const {
  return std::ranges::any_of(order_, [this](pid_t pid) { return is_spared(pid); });
}

void tree_walk::continue_all() noexcept {
  continue_those_left();
  const auto is_left = [](const auto& entry) { return entry.second.to_continue; };
  if (std::ranges::none_of(members_, is_left)) return;
  // Once more. Where no descriptor is left to open them with, those of the others make room.
  keep_no_files();
  continue_those_left();
}

void tree_walk::continue_those_left() noexcept {
  for (auto& [pid, known] : members_) {
    try {
      const bool is_due = known.to_continue && !is_spared(pid);
      const int failed = is_due ? send_to(known, {.signal = sigcont}) : 0;
      if (failed == 0 || failed == ESRCH) known.stopped = known.to_continue = false;
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
