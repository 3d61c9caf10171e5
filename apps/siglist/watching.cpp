#include "siglist/watching.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <sigkit/disposition.hpp>
#include <sigkit/mask.hpp>
#include <sigkit/pidfd.hpp>
#include <sigkit/unique_fd.hpp>
#include <sigkit/wait.hpp>
#include <sigkit/wall_time.hpp>

#include "common/ending.hpp"
#include "common/exit_codes.hpp"
#include "common/message.hpp"
#include "common/output.hpp"
#include "siglist/documents.hpp"
#include "siglist/screen.hpp"

namespace sigkit::apps {

namespace {

using format = list_request::format;

/// A process, held for as long as it runs.
struct watched {
  listed_process last;
  std::optional<pidfd> held; ///< nothing: it has ended
};

/// How what is watched is shown.
class view {
public:
  view() = default;
  view(const view&) = delete;
  view& operator=(const view&) = delete;
  virtual ~view() = default;

  /// After each look at them.
  virtual void show(const std::vector<watched>& processes) = 0;
  /// Before this process is stopped, or ends. show() undoes it.
  virtual void leave() {}
  /// The terminal has another size.
  virtual void resize() {}
  /// Whether there is something to undo before this process ends.
  [[nodiscard]] virtual bool must_leave() const { return false; }
  /// The last of all.
  virtual void finish(const std::vector<watched>& /*processes*/) {}
};

class drawing final : public view {
public:
  explicit drawing(const list_request& wanted) : wanted_(wanted) {}

  void show(const std::vector<watched>& processes) override {
    if (!is_in_foreground()) return; // drawn when it is
    screen_.enter();
    screen_.draw(text_of_all(processes));
  }

  void leave() override { screen_.leave(); }
  void resize() override { screen_.forget(); }
  [[nodiscard]] bool must_leave() const override { return true; }

  /// What was last seen stays to be read.
  void finish(const std::vector<watched>& processes) override {
    screen_.leave();
    print(text_of_all(processes));
  }

private:
  [[nodiscard]] std::string text_of_all(const std::vector<watched>& processes) const {
    std::string text;
    for (const watched& one : processes) {
      if (!text.empty()) text += "\n";
      text += text_of({one.last}, terminal_width(STDOUT_FILENO),
                      uses_colors(wanted_.colors, STDOUT_FILENO));
      if (!one.held) text += "It has ended.\n";
    }
    return text;
  }

  const list_request& wanted_;
  screen screen_;
};

/// "2026-11-26T10:00:00.000Z 4711 probe: USR1 caught, blocked; stays pending: blocked".
std::string line_of(const watched_change& change) {
  std::string text = fmt::format("{} {} {}", to_rfc3339(change.time), change.process.status.id,
                                 escaped(change.name));
  if (change.thread != 0) text += fmt::format(" thread {}", change.thread);
  if (change.row == nullptr) return text + ": " + change.event + "\n";
  const signal_row& row = *change.row;
  text += fmt::format(": {} {}", row.signal.name(), word_of(row.how));
  if (row.blocking != 0) text += ", blocked";
  if (row.blocking != 0 && row.blocking != row.threads)
    text += fmt::format(" by {} of {} threads", row.blocking, row.threads);
  if (row.pending) text += ", pending to the process";
  if (row.pending_threads != 0) text += ", pending to a thread";
  return text + "; " + to_string(row.outcome) + "\n";
}

std::string plain_line_of(const watched_change& change) {
  return to_rfc3339(change.time) + "\t" +
         plain_row(change.process, change.thread, change.name, change.row, change.event) + "\n";
}

/// What a process does with a signal, but for what would come of it: that changes for all signals
/// with what is said otherwise (it is stopped), or in passing.
std::string facts_of(const signal_row& row) {
  return word_of(row.how) + blocked_word(row) + ";" + pending_word(row) +
         (row.awaited ? ";awaited" : "");
}

/// A line for each change.
class log final : public view {
public:
  explicit log(format form) : form_(form) {}

  void show(const std::vector<watched>& processes) override {
    for (const watched& one : processes) {
      const process_signals& process = one.last.signals;
      known_process& before = before_[process.status.id];
      if (before.has_ended) continue;
      say_changes(one.last, before);
      before.has_ended = !one.held;
      if (before.has_ended) say(process, 0, process.facts.name, "ended");
    }
  }

private:
  struct known_section {
    std::string name;
    std::map<int, std::string> facts; ///< of each signal
  };
  struct known_process {
    std::map<pid_t, known_section> sections; ///< of each thread, 0: of the process
    bool is_stopped = false;
    bool has_ended = false;
  };

  void say_changes(const listed_process& process, known_process& before) {
    std::set<pid_t> gone;
    for (const auto& [thread, section] : before.sections)
      gone.insert(thread);
    for (const signal_section& section : process.sections) {
      gone.erase(section.thread);
      say_changes(process.signals, section, before.sections[section.thread]);
    }
    for (const pid_t thread : gone) {
      say(process.signals, thread, before.sections[thread].name, "ended");
      before.sections.erase(thread);
    }
    const bool is_stopped = state_of(process.signals) == 'T';
    if (std::exchange(before.is_stopped, is_stopped) != is_stopped)
      say(process.signals, 0, process.signals.facts.name, is_stopped ? "stopped" : "continued");
  }

  void say_changes(const process_signals& process, const signal_section& section,
                   known_section& before) {
    before.name = section.name;
    for (const signal_row& row : section.rows) {
      const std::string facts = facts_of(row);
      const auto [known, is_first] = before.facts.try_emplace(row.signal.number(), facts);
      const bool is_new = is_first ? is_unusual(row) : std::exchange(known->second, facts) != facts;
      if (is_new) say(process, section.thread, section.name, "signal", &row);
    }
  }

  void say(const process_signals& process, pid_t thread, const std::string& name, const char* event,
           const signal_row* row = nullptr) {
    const watched_change change{
        std::chrono::system_clock::now(), process, thread, name, event, row};
    switch (form_) {
    case format::text: print(line_of(change)); break;
    case format::plain: print(plain_line_of(change)); break;
    case format::json: print(change_document(change)); break;
    }
  }

  format form_;
  std::map<pid_t, known_process> before_;
};

bool can_draw() {
  const char* const kind = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) != 0 && kind != nullptr && *kind != '\0' &&
         std::string_view(kind) != "dumb";
}

/// Looks at the processes until they have ended, or a signal ends this one.
class watcher {
public:
  watcher(std::vector<watched> processes, const list_request& wanted, view& shown)
      : processes_(std::move(processes)), wanted_(wanted), view_(shown) {
    if (view_.must_leave()) take_signals();
    const sigset_t set = taken_.to_sigset();
    signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_.has_value()) throw error(errno, "signalfd(2)");
  }

  void run() {
    for (look(); std::ranges::any_of(processes_, &watcher::runs); look()) {
      view_.show(processes_);
      wait();
    }
    view_.show(processes_);
    view_.finish(processes_);
  }

private:
  static bool runs(const watched& one) { return one.held.has_value(); }

  /// Those that would end or stop this process, but for faults, and that have not been ignored or
  /// blocked for it.
  void take_signals() {
    const signal_set faults{sigill, sigtrap, sigabrt, sigbus, sigfpe, sigsegv, sigsys};
    const signal_set wanted = signal_set::changeable() - faults - signal_set{sigttin, sigttou};
    const signal_set blocked = pthread_sigmask(mask_change::block, {});
    for (const signal_id signal : wanted - blocked) {
      const bool acts = signal.terminates() || signal == sigtstp || signal == sigwinch;
      if (acts && get_disposition(signal) == disposition::by_default) taken_.insert(signal);
    }
    pthread_sigmask(mask_change::block, taken_);
  }

  /// For the time between two looks, until one ends, or until a signal comes.
  void wait() {
    std::vector<pollfd> descriptors{{signals_.get(), POLLIN, 0}, {STDOUT_FILENO, 0, 0}};
    for (const watched& one : processes_)
      if (runs(one)) descriptors.push_back({one.held->descriptor(), POLLIN, 0});
    constexpr duration longest = std::chrono::hours(1);
    const auto length =
        std::chrono::ceil<std::chrono::milliseconds>(std::min(*wanted_.watch, longest));
    if (::poll(descriptors.data(), descriptors.size(), static_cast<int>(length.count())) < 0 &&
        errno != EINTR)
      throw error(errno, "poll(2)");
    while (const auto taken = sigtimedwait(taken_, duration::zero()))
      act_on(taken->signal);
    if ((descriptors[1].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)
      end_without_reader(descriptors[1].revents);
  }

  /// Nobody reads what would be written: the end that a write would bring.
  [[noreturn]] void end_without_reader(int events) {
    view_.leave();
    const bool is_closed = (events & POLLNVAL) != 0;
    if (!is_closed) ::raise(SIGPIPE);
    throw error(is_closed ? EBADF : EPIPE, "write error on stdout");
  }

  void act_on(signal_id signal) {
    if (signal == sigwinch) return view_.resize();
    view_.leave();
    if (signal != sigtstp) end_as({128 + signal.number(), signal});
    // Stopped as any job, until it is continued.
    ::raise(SIGTSTP);
    pthread_sigmask(mask_change::unblock, {sigtstp});
    pthread_sigmask(mask_change::block, {sigtstp});
  }

  void look() {
    for (watched& one : processes_) {
      if (!runs(one)) continue;
      auto now = read_again(one.last, wanted_);
      if (!now || now->signals.threads.empty())
        one.held.reset();
      else
        one.last = std::move(*now);
    }
  }

  std::vector<watched> processes_;
  const list_request& wanted_;
  view& view_;
  signal_set taken_;
  unique_fd signals_;
};

} // namespace

int watch_processes(const list_request& wanted) {
  process_listing listing = read_processes(wanted);
  if (listing.processes.empty()) return failure;
  const bool draws = wanted.form == format::text && can_draw();
  const auto shown = draws ? std::unique_ptr<view>(std::make_unique<drawing>(wanted))
                           : std::make_unique<log>(wanted.form);
  list_request looks = wanted;
  looks.every = wanted.every || !draws; // what is usual again is a change as well
  std::vector<watched> processes;
  for (listed_process& one : listing.processes) {
    auto held = pidfd::open(one.signals.status.id);
    processes.push_back({std::move(one), std::move(held)});
  }
  watcher(std::move(processes), looks, *shown).run();
  return listing.is_complete ? success : failure;
}

} // namespace sigkit::apps
