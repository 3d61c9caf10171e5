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
    if (found.status.threads > 1 && !add_threads(found)) return;
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

  /// All of it is read again, through one directory, so that it is of one process; false where that
  /// is not meant. Of one that leads the others, but has ended, nothing counts.
  [[nodiscard]] bool add_threads(found_process& found) const {
    const std::vector<process_status> threads = sigkit::read_threads(found.status.id);
    const auto lives = [](const process_status& one) {
      return one.state != 'Z' && one.state != 'X';
    };
    const auto first = std::ranges::find_if(threads, lives);
    if (first == threads.end()) return true; // it has ended since
    const auto leader = std::ranges::find(threads, first->process, &process_status::id);
    if (leader != threads.end()) found.status = *leader;
    found.status.state = first->state;
    found.blocked_by_all = found.blocked_by_some = first->blocked;
    found.pending_for_some = first->pending;
    for (auto thread = first; thread != threads.end(); ++thread) {
      if (!lives(*thread)) continue;
      found.blocked_by_all = found.blocked_by_all & thread->blocked;
      found.blocked_by_some = found.blocked_by_some | thread->blocked;
      found.pending_for_some = found.pending_for_some | thread->pending;
    }
    return fits(found.status);
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
