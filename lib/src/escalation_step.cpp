// How a step is taken.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <sigkit/mask.hpp>
#include <sigkit/send.hpp>

#include "escalation_run.hpp"

namespace sigkit::detail {

namespace {

sending to_sending(delivery outcome) {
  switch (outcome) {
  case delivery::sent: return sending::sent;
  case delivery::gone: return sending::gone;
  case delivery::not_permitted: return sending::not_permitted;
  }
  return sending::gone;
}

sending to_sending(int failure, signal_id signal, pid_t pid) {
  switch (failure) {
  case 0: return sending::sent;
  case ESRCH: return sending::gone;
  case EPERM: return sending::not_permitted;
  case EAGAIN: return sending::queue_full;
  default: fail(failure, "sending " + signal.name() + " to process " + std::to_string(pid));
  }
}

/// A queue that is full is an outcome; whatever else is thrown stays so.
template <class Send> sending queue_or_full(Send send) {
  try {
    return to_sending(send());
  } catch (const error& failed) {
    if (failed.code().value() != EAGAIN) throw;
    return sending::queue_full;
  }
}

} // namespace

void escalation_run::take_step(const rung& next) {
  if (next.reach == scope::process) {
    if (next_ == 1) send_to_groups(next.signal);
    send_to_each(next.signal);
  } else {
    // Signals to this process wait: nothing must be left stopped.
    const scoped_mask meanwhile(mask_change::block, signal_set::all());
    send_over(next.reach, next.signal);
    note_ended_roots(next.signal);
  }
  if (goes_on()) watch_those_sent(next.signal);
}

/// In a later step, one that has ended meanwhile is not reached, and that is all.
void escalation_run::record(std::size_t index, signal_id signal, sending outcome) {
  addressee& one = addressees_[index];
  if (outcome == sending::gone && !one.steps.empty()) return;
  one.steps.push_back({signal, now(), outcome});
}

/// Those that a scope has not found, since they have ended before.
void escalation_run::note_ended_roots(signal_id signal) {
  for (std::size_t i = 0; i < addressees_.size(); ++i)
    if (addressees_[i].steps.empty() && !addressees_[i].by_scope) record(i, signal, sending::gone);
}

/// Asked of the first signal alone: whatever follows it ends what does not heed it. What was read
/// is of the process that is meant: it is there afterwards.
bool escalation_run::lacks_handler(const process_ref& whom, signal_id signal) const {
  if (!options_.require_handler || next_ > 1) return false;
  const auto status = sigkit::read_status(whom.pid());
  const bool catches = status && status->caught.contains(signal);
  return !catches && whom.send(signull) != delivery::gone;
}

sending escalation_run::send_to(const addressee& one, const target& held, signal_id signal) const {
  if (held.process && lacks_handler(*held.process, signal)) return sending::no_handler;
  if (one.is == addressee::kind::thread && !held.thread)
    return to_sending(held.process->held()->send_thread(one.id, signal));
  return queue_or_full([&] {
    if (held.thread)
      return options_.value ? held.thread->queue(signal, *options_.value)
                            : held.thread->send(signal);
    return options_.value ? held.process->queue(signal, *options_.value)
                          : held.process->send(signal);
  });
}

/// Whom no further step is for. Where a handler is required, it is for those alone that had the
/// first signal.
bool escalation_run::is_out(const addressee& one) const {
  const sending outcome = one.outcome();
  const bool was_passed_over = options_.require_handler && next_ > 1 && one.steps.empty();
  return was_passed_over || one.ended || outcome == sending::gone ||
         outcome == sending::not_permitted || outcome == sending::no_handler;
}

/// Where there is more to do than to send once, no signal is for this process.
bool escalation_run::is_not_for_us(pid_t pid) const {
  return goes_on() && pid == ::getpid();
}

/// To those that were added, and to members of groups; whom a group's first signal has reached
/// already is left out.
void escalation_run::send_to_each(signal_id signal) {
  for (std::size_t i = 0; i < addressees_.size(); ++i) {
    const addressee& one = addressees_[i];
    const bool has_it = next_ == 1 && !one.steps.empty();
    const bool is_meant = one.is != addressee::kind::group && !targets_[i].by_walk;
    if (!is_meant || has_it || is_out(one)) continue;
    record(i, signal, send_to(one, targets_[i], signal));
  }
}

void escalation_run::send_to_groups(signal_id signal) {
  for (std::size_t i = 0; i < addressees_.size(); ++i) {
    if (addressees_[i].is != addressee::kind::group) continue;
    // What cannot be blocked would end or stop this process, which has more to do.
    const bool would_hit_us =
        goes_on() && is_own_group(addressees_[i].id) && (signal == sigkill || signal == sigstop);
    if (!has_members_apart() && !would_hit_us)
      send_to_group(i, signal);
    else if (!by_group_.contains(addressees_[i].id))
      record(i, signal, sending::gone);
  }
}

bool escalation_run::is_own_group(pid_t group) {
  return group == 0 || group == ::getpgrp();
}

/// What comes back from our own group is taken back where it is not for this process.
delivery escalation_run::send_in_one_call(pid_t group, signal_id signal) const {
  if (group == -1) return sigkit::send_all(signal);
  const bool comes_back = goes_on() && is_own_group(group) && signal != signull;
  if (!comes_back) return sigkit::send_group(group, signal);
  const bool was_pending = sigpending().contains(signal);
  const scoped_mask meanwhile(mask_change::block, {signal});
  const delivery outcome = sigkit::send_group(group, signal);
  siginfo_t ours;
  if (!was_pending) sys::take_signal({signal}, ours);
  return outcome;
}

void escalation_run::send_to_group(std::size_t index, signal_id signal) {
  const pid_t group = addressees_[index].id;
  const auto [first, last] = by_group_.equal_range(group);
  std::vector<std::pair<std::size_t, sending>> permitted;
  for (auto member = first; member != last; ++member)
    permitted.emplace_back(member->second,
                           to_sending(targets_[member->second].process->send(signull)));
  const sending outcome = to_sending(send_in_one_call(group, signal));
  record(index, signal, outcome);
  for (const auto& [i, may] : permitted)
    if (may != sending::gone) record(i, signal, may == sending::sent ? outcome : may);
}

/// Records it where the signal is not for this one.
bool escalation_run::is_wanted(std::size_t index, signal_id signal) {
  if (is_out(addressees_[index]) || is_not_for_us(addressees_[index].id)) return false;
  if (!lacks_handler(*targets_[index].process, signal)) return true;
  record(index, signal, sending::no_handler);
  return false;
}

void escalation_run::send_over(scope reach, signal_id signal) {
  scope_walk& over = walks_.at(reach);
  const auto wanted = [&](const process_facts& facts) {
    return is_wanted(index_of(facts, &over.walk), signal);
  };
  const auto tell = [&](const process_facts& facts, int failure) {
    record(index_of(facts, &over.walk), signal, to_sending(failure, signal, facts.pid));
  };
  const walk_signal what{.signal = signal,
                         .value = options_.value,
                         .wanted = wanted,
                         .tell = tell,
                         .to_spared = options_.include_self};
  const auto is_left_out = [](const addressee& one) {
    return one.outcome() == sending::no_handler || one.outcome() == sending::not_permitted;
  };
  if (over.control_groups != nullptr &&
      (reaches_self_ || options_.require_handler || std::ranges::any_of(addressees_, is_left_out)))
    over.control_groups->leave_to_signals();
  const bool is_tree = reach == scope::tree || reach == scope::cgroup;
  if (is_tree && signal.terminates())
    over.walk.end_all(what);
  else
    send_until_all_have_it(over.walk, what);
}

void escalation_run::check() {
  start_ = sys::clock::now();
  for (std::size_t i = 0; i < addressees_.size(); ++i) {
    const addressee& one = addressees_[i];
    const pid_t group = one.id;
    const bool is_group = one.is == addressee::kind::group;
    const sending outcome = !is_group
                                ? check_one(i)
                                : to_sending(group == -1 ? sigkit::send_all(signull)
                                                         : sigkit::send_group(group, signull));
    if (outcome != sending::sent) record(i, options_.signal, outcome);
  }
}

sending escalation_run::check_one(std::size_t index) const {
  const target& held = targets_[index];
  if (held.process && lacks_handler(*held.process, options_.signal)) return sending::no_handler;
  return to_sending(held.thread ? held.thread->send(signull) : held.process->send(signull));
}

/// What a member makes between two looks at them has no signal yet.
void escalation_run::send_until_all_have_it(tree_walk& walk, walk_signal what) {
  constexpr auto patience = std::chrono::seconds(1);
  std::set<std::pair<pid_t, std::uint64_t>> have;
  bool is_news = true;
  const auto wanted = std::move(what.wanted);
  what.wanted = [&](const process_facts& facts) {
    const bool is_new = have.emplace(facts.pid, facts.start_time).second;
    is_news = is_news || is_new;
    return is_new && wanted(facts);
  };
  const auto until = sys::clock::now() + patience;
  while (std::exchange(is_news, false) && sys::clock::now() < until) {
    walk.pass(false, sys::clock::time_point::max());
    walk.send(what);
    if (!what.signal.terminates()) return;
  }
  walk.continue_all();
}

} // namespace sigkit::detail
