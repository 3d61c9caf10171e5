// Trees of processes that are hard to end, one after the other, and what is left of them: nothing.
// SIGKIT_STORM_RUNS says how many.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "support/child.hpp"

using sigkit::exit_status;

namespace {

/// The sanitizers' memory and time are for smaller trees, fewer, and one after the other.
#if SIGKIT_TESTS_SANITIZED
constexpr const char* depth = "50";
constexpr const char* count = "100";
constexpr int usual_runs = 28;
constexpr std::size_t at_once = 1;
#else
constexpr const char* depth = "200";
constexpr const char* count = "500";
constexpr int usual_runs = 100;
constexpr std::size_t at_once = 4;
#endif

struct hostile_kind {
  const char* name;
  const char* size = "0"; ///< 0: it has one size
  bool ends_by_term = true;
};

// Those that take most are apart, as several run at once.
constexpr std::array<hostile_kind, 8> kinds{{{.name = "setsid"},
                                             {.name = "storm"},
                                             {.name = "double"},
                                             {.name = "traced"},
                                             {.name = "chain", .size = depth},
                                             {.name = "ignoring", .ends_by_term = false},
                                             {.name = "wide", .size = count},
                                             {.name = "stopped"}}};

int runs_wanted() {
  const char* text = std::getenv("SIGKIT_STORM_RUNS");
  const long runs = text != nullptr ? std::strtol(text, nullptr, 10) : 0;
  return runs > 0 ? static_cast<int>(runs) : usual_runs;
}

/// On a busy machine KILL may come before TERM has ended the first process.
bool is_right(const hostile_kind& kind, const exit_status& status) {
  return status == exit_status::exited(137) ||
         (kind.ends_by_term && status == exit_status::exited(124));
}

/// How sigtimeout ended; empty where that is as it should be.
std::string wrong_end(const hostile_kind& kind, const test::run_options& marked) {
  try {
    const auto result = test::run({test::program("sigtimeout"), "--tree", "-k", ".1", "1000",
                                   test::program("hostile"), kind.name, kind.size},
                                  marked);
    if (is_right(kind, result.status) && result.err.empty()) return {};
    return to_string(result.status) + "; " + result.err;
  } catch (const std::exception& failure) {
    return failure.what();
  }
}

/// What every process of a hostile tree keeps open. What lives for a moment only is seen by this,
/// and may not be found in /proc; it ends when this goes.
class open_pipe {
public:
  open_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    read_.reset(ends[0]);
    write_.reset(ends[1]);
  }

  void give_as_stdin() const { ::dup2(write_.get(), STDIN_FILENO); }

  /// Whether another process has it open, and does not close it soon: a child of another thread has
  /// all until it executes its program.
  bool is_still_open() {
    write_.reset();
    pollfd end{read_.get(), 0, 0};
    return !test::eventually([&] { return ::poll(&end, 1, 0) == 1; });
  }

private:
  sigkit::unique_fd read_;
  sigkit::unique_fd write_;
};

class storm {
public:
  explicit storm(int runs) : runs_(runs) {}

  void rage() {
    std::array<std::thread, at_once> workers;
    for (std::thread& worker : workers)
      worker = std::thread([this] { work(); });
    for (std::thread& running : workers)
      running.join();
  }

  [[nodiscard]] std::size_t survivors() const { return survivors_; }
  [[nodiscard]] const std::string& failures() const { return failures_; }

private:
  void work() {
    for (int run = next_++; run < runs_; run = next_++)
      run_once(run, kinds[static_cast<std::size_t>(run) % kinds.size()]);
  }

  void run_once(int run, const hostile_kind& kind) {
    const std::string mark = test::new_mark();
    open_pipe held;
    const std::string end = wrong_end(
        kind, {.environment = {mark}, .before_exec = [&] { held.give_as_stdin(); }, .argv0 = {}});
    std::vector<std::string> left = test::marked_processes(mark);
    if (left.empty() && held.is_still_open()) left.emplace_back("what forks faster than we look");
    if (!end.empty() || !left.empty()) report(run, kind, end, left);
    test::kill_marked(mark);
  }

  void report(int run, const hostile_kind& kind, const std::string& end,
              const std::vector<std::string>& left) {
    const std::scoped_lock lock(guard_);
    survivors_ += left.size();
    failures_ += std::string(kind.name) + ", run " + std::to_string(run) + ": ";
    failures_ += end.empty() ? "the status is right" : end;
    for (const std::string& process : left)
      failures_ += "; left: " + process;
    failures_ += "\n";
  }

  const int runs_;
  std::atomic<int> next_ = 0;
  std::mutex guard_;
  std::size_t survivors_ = 0;
  std::string failures_;
};

} // namespace

TEST_CASE("nothing survives a storm of hostile process trees") {
  const int runs = runs_wanted();
  storm hostile(runs);
  hostile.rage();
  std::printf("%d runs, %zu survivors\n", runs, hostile.survivors());
  CHECK_MESSAGE(hostile.failures().empty(), hostile.failures());
}
