#include <sigkit/selection.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string_view>

#include "pattern.hpp"
#include "proc.hpp"
#include "system.hpp"
#include "text.hpp"

namespace sigkit {

namespace {

template <class List, class Value> bool has(const List& list, const Value& value) {
  return std::ranges::find(list, value) != list.end();
}

std::string_view last_part(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

/// The conditions, ready to be asked.
class judge {
public:
  explicit judge(const process_conditions& wanted)
      : wanted_(wanted), now_(proc::since_boot()), name_(compiled(wanted.name)),
        command_(compiled(wanted.command)) {
    if (wanted.include_self) return;
    for (const pid_t ancestor : ancestors(::getpid()))
      excluded_.insert(ancestor);
    excluded_.insert(::getpid());
  }

  /// What is cheap comes first; `process` is an open /proc/PID.
  [[nodiscard]] bool accepts(const process_facts& facts, int process) const {
    if (facts.kernel || has_ended(facts) || excluded_.contains(facts.pid)) return false;
    if (facts.pid == 1 && !wanted_.include_init) return false;
    const bool holds = stat_fits(facts) && owner_fits(process) && command_fits(facts, process) &&
                       cgroup_fits(process);
    return holds != wanted_.inverse;
  }

private:
  [[nodiscard]] bool stat_fits(const process_facts& facts) const {
    const duration age = now_ - proc::from_ticks(facts.start_time);
    const auto matches = [&](const pattern& one) { return one.matches(facts.name, wanted_.exact); };
    return (wanted_.parents.empty() || has(wanted_.parents, facts.parent)) &&
           (wanted_.terminals.empty() || has(wanted_.terminals, facts.terminal)) &&
           (!wanted_.older || age >= *wanted_.older) && (!wanted_.newer || age < *wanted_.newer) &&
           std::ranges::all_of(name_, matches);
  }

  [[nodiscard]] bool owner_fits(int process) const {
    if (wanted_.owners.empty() && wanted_.users.empty()) return true;
    const auto status = parse_process_status(proc::read_text(process, "status").value_or(""));
    if (!status) return false;
    const bool owned =
        has(wanted_.owners, status->uid) || has(wanted_.owners, status->effective_uid);
    return (wanted_.owners.empty() || owned) &&
           (wanted_.users.empty() || has(wanted_.users, status->effective_uid));
  }

  [[nodiscard]] bool command_fits(const process_facts& facts, int process) const {
    if (wanted_.called.empty() && command_.empty()) return true;
    const bool is_called = has(wanted_.called, facts.name);
    if (is_called && command_.empty()) return true;
    std::string text = proc::read_text(process, "cmdline").value_or("");
    const std::string_view first = std::string_view(text).substr(0, text.find('\0'));
    if (!wanted_.called.empty() && !is_called && !has(wanted_.called, last_part(first)))
      return false;
    while (text.ends_with('\0'))
      text.pop_back();
    std::ranges::replace(text, '\0', ' ');
    if (text.empty()) text = facts.name;
    return std::ranges::all_of(
        command_, [&](const pattern& one) { return one.matches(text, wanted_.exact); });
  }

  [[nodiscard]] bool cgroup_fits(int process) const {
    if (wanted_.cgroups.empty()) return true;
    const auto path = proc::cgroup_path(process);
    return path && std::ranges::any_of(wanted_.cgroups, [&](const std::string& cgroup) {
             return proc::is_in_cgroup(*path, cgroup);
           });
  }

  const process_conditions& wanted_;
  duration now_;
  std::list<pattern> name_;
  std::list<pattern> command_;
  std::set<pid_t> excluded_;
};

void keep_picked(std::vector<selected_process>& found, process_conditions::pick only) {
  std::ranges::stable_sort(found, {}, [](const selected_process& one) {
    return std::pair(one.facts.start_time, one.facts.pid);
  });
  if (only == process_conditions::pick::all || found.size() < 2) return;
  const auto kept = only == process_conditions::pick::oldest ? found.begin() : found.end() - 1;
  std::rotate(found.begin(), kept, kept + 1);
  found.erase(found.begin() + 1, found.end());
}

/// The process was read through the open directory; where that is there after the pidfd was opened,
/// both are of one process.
void add_if_accepted(const judge& judging, pid_t pid, std::size_t budget,
                     std::vector<selected_process>& found) {
  const unique_fd process = proc::open_process(pid);
  if (!process.has_value()) return;
  auto facts = proc::read_stat(process.get(), "stat");
  if (!facts || !judging.accepts(*facts, process.get())) return;
  const process_identity identity{pid, facts->start_time, 0};
  if (found.size() >= budget) {
    found.push_back({process_ref(identity), std::move(*facts)});
    return;
  }
  unique_fd held;
  const int failed = sys::pidfd_open(pid, held);
  if (failed == EMFILE || failed == ENFILE || failed == ENOMEM || failed == ENOSYS)
    fail(failed, sys::pidfd_open_named(failed) + " of process " + std::to_string(pid));
  if (failed != 0 || sys::pidfd_send_signal(process.get(), signull) == ESRCH) return;
  found.push_back({process_ref(pidfd(pid, std::move(held))), std::move(*facts)});
}

/// What was read is of the process that is meant where that is there afterwards; so is what was
/// opened by its PID in between.
void add_known_if_accepted(const judge& judging, const process_ref& known, std::size_t budget,
                           std::vector<selected_process>& found) {
  const std::size_t before = found.size();
  add_if_accepted(judging, known.pid(), budget, found);
  if (found.size() != before && known.send(signull) == delivery::gone) found.pop_back();
}

} // namespace

std::optional<std::string> error_in_pattern(const std::string& text) {
  std::string why = pattern(text).why_not();
  return why.empty() ? std::nullopt : std::optional(std::move(why));
}

std::vector<selected_process> detail::select(failure& why, const process_conditions& conditions,
                                             const std::span<const process_ref>* among) noexcept {
  return at_border(why, [&] {
    if (!proc_is_usable())
      fail(ENOENT, "selecting processes: /proc does not show this PID namespace");
    const judge judging(conditions);
    const std::size_t budget = sys::descriptor_budget();
    std::vector<selected_process> found;
    if (among != nullptr)
      for (const process_ref& known : *among)
        add_known_if_accepted(judging, known, budget, found);
    else
      for (const pid_t pid : proc::pids())
        add_if_accepted(judging, pid, budget, found);
    keep_picked(found, conditions.only);
    return found;
  });
}

std::vector<pid_t> detail::ancestors(failure& why, pid_t pid) noexcept {
  return at_border(why, [&] {
    if (!proc_is_usable())
      fail(ENOENT, "finding ancestors: /proc does not show this PID namespace");
    std::vector<pid_t> result;
    for (auto facts = sigkit::read_process(pid); facts && facts->parent > 0;
         facts = sigkit::read_process(facts->parent)) {
      if (has(result, facts->parent)) break; // one was recycled meanwhile
      result.push_back(facts->parent);
    }
    return result;
  });
}

} // namespace sigkit
