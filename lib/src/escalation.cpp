#include <sigkit/escalation.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <sigkit/mask.hpp>
#include <sigkit/selection.hpp>
#include <sigkit/send.hpp>

#include "escalation_run.hpp"
#include "own_wake.hpp"
#include "proc.hpp"

namespace sigkit {

const char* to_string(sending outcome) noexcept {
  switch (outcome) {
  case sending::not_tried: return "not_tried";
  case sending::sent: return "sent";
  case sending::gone: return "gone";
  case sending::not_permitted: return "not_permitted";
  case sending::no_handler: return "no_handler";
  case sending::queue_full: return "queue_full";
  }
  return "?";
}

namespace detail {

namespace {

void check_signal(signal_id signal) {
  if (!signal_id::from_number(signal.number())) fail(EINVAL, "sending signal " + signal.name());
}

void check_reach(scope reach) {
  if (reach > scope::cgroup)
    fail(EINVAL, std::string("the scope ") + to_string(reach) + " of a process that is there");
}

} // namespace

escalation_run::escalation_run(const escalation_options& options)
    : options_(options), budget_(sys::open_files_limit() / 4) {
  check_signal(options.signal);
  check_reach(options.reach);
  if (options.wait && *options.wait < duration::zero()) fail(EINVAL, "a wait of a negative time");
  rungs_.push_back({duration::zero(), options.signal, options.reach});
  for (const step& one : options.steps) {
    check_signal(one.signal);
    check_reach(one.reach.value_or(options.reach));
    if (one.after < duration::zero()) fail(EINVAL, "a step after a negative time");
    if (one.after == never) break; // what would come after it never does either
    rungs_.push_back({one.after, one.signal, one.reach.value_or(options.reach)});
  }
}

std::size_t escalation_run::append(addressee&& one, target&& held) {
  addressees_.push_back(std::move(one));
  targets_.push_back(std::move(held));
  return addressees_.size() - 1;
}

void escalation_run::add(process_ref&& whom) {
  if (by_pid_.contains(whom.pid())) return;
  if (whom.held() != nullptr && ++held_ > budget_) whom.release();
  addressee one;
  one.id = whom.pid();
  const std::size_t index = append(std::move(one), {std::move(whom), std::nullopt, false});
  by_pid_.emplace(addressees_[index].id, index);
}

bool escalation_run::add_thread(pid_t thread, pid_t process) {
  if (options_.reach != scope::process) fail(EINVAL, "a thread has no scope");
  const auto status = sigkit::read_status(thread);
  if (process == 0 && status) process = status->process;
  if (status && status->process != process) return false;
  addressee one;
  one.is = addressee::kind::thread;
  one.id = thread;
  target held;
  try {
    held.thread = pidfd::open_thread(thread);
    if (!held.thread) return false;
  } catch (const error& failed) {
    const bool is_old_kernel = failed.code().value() == ENOSYS;
    if (!is_old_kernel || goes_on() || options_.value || process == 0) throw;
  }
  if (process != 0) held.process = process_ref::open(process);
  if (process != 0 && !held.process) return false;
  append(std::move(one), std::move(held));
  return true;
}

void escalation_run::add_group(pid_t group) {
  if (group < -1 || group == 1) fail(EINVAL, "process group " + std::to_string(group));
  const auto has_scope = [](const rung& one) { return one.reach != scope::process; };
  if (std::ranges::any_of(rungs_, has_scope)) fail(EINVAL, "a process group has no scope");
  addressee one;
  one.is = addressee::kind::group;
  one.id = group;
  append(std::move(one), {});
}

/// What was read is of the process that is meant: it is there afterwards. pid 0 where it has ended.
process_facts escalation_run::facts_of(std::size_t index) const {
  const target& held = targets_[index];
  auto facts = sigkit::read_process(addressees_[index].id);
  if (!facts || held.process->send(signull) == delivery::gone) return {};
  return std::move(*facts);
}

std::size_t escalation_run::index_of(const process_facts& facts) {
  const auto known = by_pid_.find(facts.pid);
  const bool is_known =
      known != by_pid_.end() && (addressees_[known->second].facts.pid == 0 ||
                                 addressees_[known->second].facts.start_time == facts.start_time);
  if (is_known) {
    addressees_[known->second].facts = facts;
    return known->second;
  }
  addressee one;
  one.id = facts.pid;
  one.facts = facts;
  one.by_scope = true;
  process_ref whom(process_identity{facts.pid, facts.start_time, 0});
  const std::size_t index = append(std::move(one), {std::move(whom), std::nullopt, false});
  by_pid_.insert_or_assign(facts.pid, index);
  return index;
}

/// Whether groups are sent signals member by member.
bool escalation_run::has_members_apart() const noexcept {
  return options_.value || options_.require_handler;
}

void escalation_run::find_members(pid_t group) {
  if (!proc_is_usable())
    fail(ENOENT, "the members of a process group: /proc does not show this PID namespace");
  const pid_t number = group == 0 ? ::getpgrp() : group;
  for (const process_facts& facts : proc::processes()) {
    const bool belongs = group == -1 ? facts.pid != 1 && !facts.kernel : facts.group == number;
    if (belongs && facts.pid != ::getpid() && facts.state != 'X' &&
        (facts.state != 'Z' || facts.threads > 1))
      index_of(facts);
  }
}

void escalation_run::find() {
  if (std::exchange(found_, true)) return;
  const std::size_t added = addressees_.size();
  for (std::size_t i = 0; i < added; ++i)
    if (addressees_[i].is == addressee::kind::group &&
        (goes_on() || has_members_apart() || options_.hold_members))
      find_members(addressees_[i].id);
  std::set<scope> scopes;
  for (const rung& one : rungs_)
    if (one.reach != scope::process) scopes.insert(one.reach);
  if (scopes.empty()) return;
  own_.insert(::getpid());
  for (const pid_t ancestor : sigkit::ancestors(::getpid()))
    own_.insert(ancestor);
  for (const scope reach : scopes)
    check_scope(reach);
}

void escalation_run::check_scope(scope reach) {
  scope_walk made = walk_over(reach);
  made.walk->find_all();
  reaches_self_ = reaches_self_ || made.walk->has_spared() ||
                  (made.control_groups != nullptr && made.control_groups->is_everything());
  if (reach != options_.reach) return;
  for (const process_facts& facts : made.walk->facts())
    if (facts.state != 'Z' || facts.threads > 1) index_of(facts);
  walks_.emplace(reach, std::move(made));
}

scope_walk escalation_run::walk_over(scope reach) {
  scope_walk made;
  const bool is_tree = reach == scope::tree || reach == scope::cgroup;
  id_rule* ids = nullptr;
  orphan_rule* orphans = nullptr;
  if (reach == scope::tree) {
    made.rule = std::make_unique<orphan_rule>();
    orphans = static_cast<orphan_rule*>(made.rule.get());
  } else if (reach == scope::cgroup) {
    made.rule = std::make_unique<cgroup_rule>();
    made.control_groups = static_cast<cgroup_rule*>(made.rule.get());
  } else {
    auto process_facts::*const id =
        reach == scope::group ? &process_facts::group : &process_facts::session;
    made.rule = std::make_unique<id_rule>(id);
    ids = static_cast<id_rule*>(made.rule.get());
  }
  made.walk.emplace(walk_setting{.children = is_tree,
                                 .further = made.rule.get(),
                                 .spared = own_,
                                 .budget = sys::open_files_limit() / 4});
  for (std::size_t i = 0; i < addressees_.size(); ++i) {
    if (addressees_[i].is != addressee::kind::process || addressees_[i].by_scope) continue;
    const process_facts root = facts_of(i);
    if (root.pid == 0) continue;
    if (ids != nullptr) ids->add(reach == scope::group ? root.group : root.session);
    if (orphans != nullptr) orphans->add_root(root);
    if (made.control_groups != nullptr) made.control_groups->add_root(root);
    if (made.walk->add_root(root)) addressees_[i].facts = root;
  }
  return made;
}

wait_end escalation_run::advance() {
  if (next_ == 0) {
    if (reaches_self_ && !options_.include_self)
      fail(EPERM, "a scope that contains this process, one of its ancestors or the root cgroup");
    start_ = due_ = sys::clock::now();
  }
  if (next_ < rungs_.size() && sys::clock::now() >= due_) {
    const rung& now = rungs_[next_++];
    take_step(now);
    const duration last = options_.wait.value_or(duration::zero());
    const duration pause = next_ < rungs_.size() ? rungs_[next_].after : last;
    due_ = sys::after(sys::clock::now(), pause);
  }
  if (!goes_on()) return wait_end::ready;
  take_ended();
  if (watch_->size() == 0) return wait_end::ready;
  if (next_ == rungs_.size() && !options_.wait) return wait_end::ready;
  if (next_ == rungs_.size() && sys::clock::now() >= due_) return wait_end::timed_out;
  const own_wake wake;
  std::array<pollfd, 2> sources{{{watch_->descriptor(), POLLIN, 0}, wake.source()}};
  sys::poll_until(sources, wake.limit(due_));
  return wait_end::again;
}

void escalation_run::watch_those_sent(signal_id signal) {
  if (!watch_) watch_.emplace();
  for (std::size_t i = 0; i < addressees_.size(); ++i) {
    target& held = targets_[i];
    const sending outcome = addressees_[i].outcome();
    const bool is_due = outcome == sending::sent || outcome == sending::queue_full ||
                        (outcome == sending::not_permitted && signal == signull);
    const bool can_be =
        addressees_[i].is != addressee::kind::group && addressees_[i].id != ::getpid();
    if (held.watched || !is_due || !can_be) continue;
    held.watched = true;
    if (held.thread)
      watch_->add(i, *held.thread);
    else
      watch_->add(i, *held.process);
  }
}

void escalation_run::take_ended() {
  watch_->take_ended([this](std::size_t index) { addressees_[index].ended = now(); });
}

escalation_run* new_escalation(failure& why, const escalation_options& options) noexcept {
  return at_border(why, [&] { return new escalation_run(options); });
}

void delete_escalation(escalation_run* run) noexcept {
  delete run;
}

void add_process(failure& why, escalation_run& run, process_ref& whom) noexcept {
  at_border(why, [&] { run.add(std::move(whom)); });
}

bool add_thread(failure& why, escalation_run& run, pid_t thread, pid_t process) noexcept {
  return at_border(why, [&] { return run.add_thread(thread, process); });
}

void add_group(failure& why, escalation_run& run, pid_t group) noexcept {
  at_border(why, [&] { run.add_group(group); });
}

void find_addressees(failure& why, escalation_run& run) noexcept {
  at_border(why, [&] { run.find(); });
}

wait_end continue_escalation(failure& why, escalation_run& run) noexcept {
  return at_border(why, [&] { return run.advance(); });
}

const std::vector<addressee>& addressees_of(const escalation_run& run) noexcept {
  return run.addressees();
}

bool reaches_self(const escalation_run& run) noexcept {
  return run.reaches_self();
}

} // namespace detail
} // namespace sigkit
