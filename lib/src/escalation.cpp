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

bool has_thread(pid_t process, pid_t thread) {
  return send_thread(process, thread, signull) != delivery::gone;
}

void check_reach(scope reach) {
  if (reach > scope::cgroup)
    fail(EINVAL, std::string("the scope ") + to_string(reach) + " of a process that is there");
}

} // namespace

escalation_run::escalation_run(const escalation_options& options)
    : options_(options), budget_(sys::descriptor_budget()) {
  check_signal(options.signal);
  check_reach(options.reach);
  if (options.wait && *options.wait < duration::zero()) fail(EINVAL, "a wait of a negative time");
  if (options.require_handler && !proc_is_usable())
    fail(ENOENT, "asking for a handler: /proc does not show this PID namespace");
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

void escalation_run::check_not_found() const {
  if (found_) fail(EINVAL, "one more addressee, after they were looked for");
}

void escalation_run::add(process_ref&& whom) {
  check_not_found();
  if (by_pid_.contains(whom.pid())) return;
  if (whom.held() != nullptr && ++held_ > budget_) whom.release();
  addressee one;
  one.id = whom.pid();
  const std::size_t index = append(std::move(one), {std::move(whom), std::nullopt});
  by_pid_.emplace(addressees_[index].id, index);
}

/// Its process is asked whether it has this thread when that is held, and is there afterwards.
bool escalation_run::add_thread(pid_t thread, pid_t process) {
  check_not_found();
  if (options_.reach != scope::process) fail(EINVAL, "a thread has no scope");
  for (const addressee& known : addressees_)
    if (known.is == addressee::kind::thread && known.id == thread) return true;
  target held;
  try {
    held.thread = pidfd::open_thread(thread);
    if (!held.thread) return false;
  } catch (const error& failed) {
    if (failed.code().value() != ENOSYS || goes_on() || options_.value) throw;
  }
  if (process == 0 && proc_is_usable())
    if (const auto status = sigkit::read_status(thread)) process = status->process;
  if (process == 0 && !held.thread) fail(ENOSYS, "a thread whose process is not known");
  if (process != 0 && !has_thread(process, thread)) return false;
  if (held.thread && held.thread->send(signull) == delivery::gone) return false;
  if (!held.thread || options_.require_handler) held.process = process_ref::open(process);
  if (!held.thread && !held.process) return false;
  addressee one;
  one.is = addressee::kind::thread;
  one.id = thread;
  append(std::move(one), std::move(held));
  return true;
}

void escalation_run::add_group(pid_t group) {
  check_not_found();
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

bool escalation_run::is_same(std::size_t index, const process_facts& facts) const {
  const process_facts& known = addressees_[index].facts;
  return (known.pid != 0 ? known.start_time : facts_of(index).start_time) == facts.start_time;
}

/// By a pidfd, as long as there are some.
process_ref escalation_run::hold(const process_facts& facts) {
  const process_identity identity{facts.pid, facts.start_time, 0};
  auto opened = held_ < budget_ ? process_ref::open(identity) : std::nullopt;
  if (!opened) return process_ref(identity);
  ++held_;
  return std::move(*opened);
}

std::size_t escalation_run::index_of(const process_facts& facts, const tree_walk* walk) {
  const auto known = by_pid_.find(facts.pid);
  if (known != by_pid_.end() && is_same(known->second, facts)) {
    addressees_[known->second].facts = facts;
    return known->second;
  }
  addressee one;
  one.id = facts.pid;
  one.facts = facts;
  one.by_scope = true;
  target held;
  held.by_walk = walk != nullptr;
  held.process = walk != nullptr ? walk->reference_to(facts) : hold(facts);
  const std::size_t index = append(std::move(one), std::move(held));
  by_pid_.insert_or_assign(facts.pid, index);
  return index;
}

/// Whether groups are sent signals member by member.
bool escalation_run::has_members_apart() const noexcept {
  return options_.value || options_.require_handler;
}

/// Of all groups, in one look at /proc.
void escalation_run::find_members() {
  std::multimap<pid_t, pid_t> groups; // as /proc has them, and as they were added
  for (const addressee& one : addressees_)
    if (one.is == addressee::kind::group)
      groups.emplace(one.id == 0 ? ::getpgrp() : one.id, one.id);
  if (groups.empty() || !(goes_on() || has_members_apart() || options_.hold_members)) return;
  if (groups.contains(0))
    fail(ENODEV, "the own process group, which is outside this PID namespace");
  if (!proc_is_usable())
    fail(ENOENT, "the members of a process group: /proc does not show this PID namespace");
  for (const process_facts& facts : proc::processes()) {
    if (facts.pid == ::getpid() || has_ended(facts)) continue;
    const auto [first, last] = groups.equal_range(facts.group);
    if (facts.group > 0)
      for (auto group = first; group != last; ++group)
        by_group_.emplace(group->second, index_of(facts));
    if (groups.contains(-1) && facts.pid != 1 && !facts.kernel)
      by_group_.emplace(-1, index_of(facts));
  }
}

void escalation_run::find() {
  if (found_) return;
  find_members();
  std::set<scope> scopes;
  for (const rung& one : rungs_)
    if (one.reach != scope::process) scopes.insert(one.reach);
  if (!scopes.empty()) {
    own_.insert(::getpid());
    for (const pid_t ancestor : sigkit::ancestors(::getpid()))
      own_.insert(ancestor);
  }
  for (const scope reach : scopes)
    find_scope(reach, sys::descriptor_budget() / scopes.size());
  found_ = true;
}

void escalation_run::find_scope(scope reach, std::size_t budget) {
  constexpr auto enough = std::chrono::milliseconds(200); // what is made later is found later
  std::unique_ptr<membership> rule;
  cgroup_rule* control_groups = nullptr;
  switch (reach) {
  case scope::group:
    rule = std::make_unique<id_rule>(&process_facts::group, "process group");
    break;
  case scope::session: rule = std::make_unique<id_rule>(&process_facts::session, "session"); break;
  case scope::cgroup:
    rule = std::make_unique<cgroup_rule>();
    control_groups = static_cast<cgroup_rule*>(rule.get());
    break;
  default: rule = std::make_unique<orphan_rule>(); break;
  }
  tree_walk walk({.children = reach == scope::tree || reach == scope::cgroup,
                  .further = rule.get(),
                  .spared = own_,
                  .budget = budget});
  scope_walk made{std::move(rule), control_groups, std::move(walk)};
  add_roots(reach, made);
  made.walk.find_all(sys::clock::now() + enough);
  const bool is_everything = control_groups != nullptr && control_groups->is_everything();
  reaches_self_ = reaches_self_ || made.walk.has_spared() || is_everything;
  for (const process_facts& facts : made.walk.facts())
    if (!has_ended(facts)) index_of(facts, &made.walk);
  walks_.insert_or_assign(reach, std::move(made));
}

void escalation_run::add_roots(scope reach, scope_walk& made) {
  for (std::size_t i = 0; i < addressees_.size(); ++i) {
    if (addressees_[i].is != addressee::kind::process || addressees_[i].by_scope) continue;
    const process_facts root = facts_of(i);
    if (root.pid == 0 && targets_[i].process->send(signull) != delivery::gone)
      fail(EACCES, std::string("finding the ") + to_string(reach) + " of process " +
                       std::to_string(addressees_[i].id) + ", which /proc hides");
    if (root.pid == 0) continue;
    made.rule->add_root(root);
    if (made.walk.add_root(root)) addressees_[i].facts = root;
  }
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
    const bool is_for_later =
        outcome == sending::not_tried && next_ < rungs_.size() && !options_.require_handler;
    const bool is_due = outcome == sending::sent || outcome == sending::queue_full ||
                        is_for_later || (outcome == sending::not_permitted && signal == signull);
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

void check_addressees(failure& why, escalation_run& run) noexcept {
  at_border(why, [&] { run.check(); });
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
