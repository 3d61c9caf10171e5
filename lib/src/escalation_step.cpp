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
    if (addressees_[i].steps.empty()) record(i, signal, sending::gone);
}

/// Asked of the first signal alone: whatever follows it ends what does not heed it. What was read
/// is of the process that is meant: it is there afterwards.
bool escalation_run::lacks_handler(const process_ref& whom, signal_id signal) const {
  if (!options_.require_handler || next_ > 1) return false;
  const auto status = sigkit::read_status(whom.pid());
  return status && !status->caught.contains(signal) && whom.send(signull) != delivery::gone;
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

/// Whom no further step is for.
bool escalation_run::is_out(const addressee& one) {
  const sending outcome = one.outcome();
  return one.ended || outcome == sending::gone || outcome == sending::not_permitted ||
         outcome == sending::no_handler;
}

/// Whom a group's first signal has reached already is left out.
void escalation_run::send_to_each(signal_id signal) {
  for (std::size_t i = 0; i < addressees_.size(); ++i) {
    const addressee& one = addressees_[i];
    const bool has_it = next_ == 1 && !one.steps.empty();
    if (one.is == addressee::kind::group || has_it || is_out(one)) continue;
    record(i, signal, send_to(one, targets_[i], signal));
  }
}

void escalation_run::send_to_groups(signal_id signal) {
  if (has_members_apart()) return;
  for (std::size_t i = 0; i < addressees_.size(); ++i)
    if (addressees_[i].is == addressee::kind::group) send_to_group(i, signal);
}

void escalation_run::send_to_group(std::size_t index, signal_id signal) {
  const pid_t group = addressees_[index].id;
  const pid_t number = group == 0 ? ::getpgrp() : group;
  std::vector<std::pair<std::size_t, sending>> members;
  for (std::size_t i = 0; i < addressees_.size(); ++i) {
    const addressee& one = addressees_[i];
    if (!one.by_scope || (group != -1 && one.facts.group != number)) continue;
    members.emplace_back(i, to_sending(targets_[i].process->send(signull)));
  }
  const sending outcome =
      to_sending(group == -1 ? sigkit::send_all(signal) : sigkit::send_group(group, signal));
  record(index, signal, outcome);
  for (const auto& [i, permitted] : members)
    if (permitted != sending::gone)
      record(i, signal, permitted == sending::sent ? outcome : permitted);
}

void escalation_run::send_over(scope reach, signal_id signal) {
  auto found = walks_.find(reach);
  if (found == walks_.end()) found = walks_.emplace(reach, walk_over(reach)).first;
  tree_walk& walk = *found->second.walk;
  cgroup_rule* const control_groups = found->second.control_groups;
  const walk_signal what{.signal = signal,
                         .value = options_.value,
                         .wanted =
                             [&](const process_facts& facts) {
                               const std::size_t index = index_of(facts);
                               if (is_out(addressees_[index])) return false;
                               if (!lacks_handler(*targets_[index].process, signal)) return true;
                               record(index, signal, sending::no_handler);
                               return false;
                             },
                         .tell =
                             [&](const process_facts& facts, int failure) {
                               const sending outcome = to_sending(failure, signal, facts.pid);
                               if (outcome != sending::gone || by_pid_.contains(facts.pid))
                                 record(index_of(facts), signal, outcome);
                             },
                         .to_spared = options_.include_self};
  const bool is_tree = reach == scope::tree || reach == scope::cgroup;
  if (!is_tree || !signal.terminates()) {
    send_until_all_have_it(walk, what);
    return;
  }
  if (control_groups != nullptr && !reaches_self_) control_groups->freeze();
  walk.end_all(what);
  if (control_groups != nullptr) {
    if (signal == sigkill && !reaches_self_) control_groups->kill();
    control_groups->thaw();
  }
}

/// What a member makes between two looks at them has no signal yet.
void escalation_run::send_until_all_have_it(tree_walk& walk, walk_signal what) {
  constexpr int enough = 100;
  std::set<std::pair<pid_t, std::uint64_t>> have;
  bool is_news = true;
  const auto wanted = std::move(what.wanted);
  what.wanted = [&](const process_facts& facts) {
    const bool is_new = have.emplace(facts.pid, facts.start_time).second;
    is_news = is_news || is_new;
    return is_new && wanted(facts);
  };
  for (int passes = 0; passes < enough && std::exchange(is_news, false); ++passes) {
    walk.find_all();
    walk.send(what);
    if (!what.signal.terminates()) break;
  }
  if (what.signal.terminates() && what.signal != sigkill) walk.send({.signal = sigcont});
}

} // namespace sigkit::detail
