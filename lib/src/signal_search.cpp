#include <sigkit/signal_search.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <list>
#include <optional>

#include "pattern.hpp"
#include "proc.hpp"
#include "system.hpp"

namespace sigkit {

namespace {

/// Whether each set has a signal of `found`.
bool has_one_of_each(const std::vector<signal_set>& wanted, signal_set found) {
  return std::ranges::all_of(wanted, [=](signal_set one) { return !(one & found).empty(); });
}

class search {
public:
  explicit search(const signal_conditions& wanted)
      : wanted_(wanted), names_(compiled(wanted.names)) {}

  signal_findings run() {
    std::vector<pid_t> pids = proc::pids();
    std::ranges::sort(pids);
    std::erase(pids, ::getpid());
    for (const pid_t pid : pids)
      look_at(pid);
    return std::move(result_);
  }

private:
  void look_at(pid_t pid) {
    std::array<char, 32> path{};
    std::snprintf(path.data(), path.size(), "/proc/%d/status", static_cast<int>(pid));
    const unique_fd file = sys::open_at(AT_FDCWD, path.data(), O_RDONLY);
    if (!file.has_value() || !sys::read_all(file.get(), text_)) {
      if (errno == EACCES || errno == EPERM) result_.hidden.push_back(pid);
      return;
    }
    auto status = parse_process_status(text_);
    if (!status || !fits(*status)) return;
    found_process found{std::move(*status), {}, {}, {}};
    found.blocked_by_all = found.blocked_by_some = found.status.blocked;
    found.pending_for_some = found.status.pending;
    if (found.status.threads > 1) add_threads(found);
    if (has_one_of_each(wanted_.blocking, found.blocked_by_some) &&
        has_one_of_each(wanted_.pending, found.pending_for_some | found.status.shared_pending))
      result_.processes.push_back(std::move(found));
  }

  /// What one file tells, which is the same for each thread.
  [[nodiscard]] bool fits(const process_status& status) const {
    const auto& users = wanted_.users;
    const auto matches = [&](const pattern& one) { return one.matches(status.name, false); };
    return has_one_of_each(wanted_.catching, status.caught) &&
           has_one_of_each(wanted_.ignoring, status.ignored) &&
           (users.empty() || std::ranges::find(users, status.effective_uid) != users.end()) &&
           std::ranges::all_of(names_, matches);
  }

  /// Of one that leads the others, but has ended, nothing counts.
  static void add_threads(found_process& found) {
    bool is_first = true;
    for (const process_status& thread : sigkit::read_threads(found.status.id)) {
      if (thread.state == 'Z' || thread.state == 'X') continue;
      found.blocked_by_all = is_first ? thread.blocked : found.blocked_by_all & thread.blocked;
      found.blocked_by_some = is_first ? thread.blocked : found.blocked_by_some | thread.blocked;
      found.pending_for_some = is_first ? thread.pending : found.pending_for_some | thread.pending;
      if (is_first) found.status.state = thread.state;
      is_first = false;
    }
  }

  const signal_conditions& wanted_;
  std::list<pattern> names_;
  std::string text_;
  signal_findings result_;
};

} // namespace

signal_findings detail::find_by_signals(failure& why,
                                        const signal_conditions& conditions) noexcept {
  return at_border(why, [&] {
    if (!proc_is_usable())
      fail(ENOENT, "finding processes: /proc does not show this PID namespace");
    return search(conditions).run();
  });
}

} // namespace sigkit
