// Signals to sigtimeout and sigtrap at every moment of their life, from when they are executed.
// SIGKIT_MOMENTS says how many.
#include <doctest/doctest.h>

#include <time.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <sigkit/signal_set.hpp>

#include "load/spawned.hpp"

using sigkit::exit_status;
using sigkit::signal_id;

namespace {

#if SIGKIT_TESTS_SANITIZED
constexpr int usual_count = 300;
#else
constexpr int usual_count = 5000;
#endif

const std::vector<std::vector<std::string>> commands{
    {"sigtimeout", "60", "sleep", "60"},
    {"sigtimeout", "--tree", "60", "sleep", "60"},
    {"sigtimeout", "--foreground", "60", "sleep", "60"},
    {"sigtimeout", "--scope=session", "60", "sleep", "60"},
    {"sigtimeout", "--idle", "60", "60", "sleep", "60"},
    {"sigtimeout", "60", "true"},
    {"sigtimeout", "--tree", "60", "true"},
    {"sigtrap", "sleep", "60"},
    {"sigtrap", "--tree", "sleep", "60"},
    {"sigtrap", "--init", "--on", "USR2=@forward", "sleep", "60"},
    {"sigtrap", "true"}};

/// It handles them itself, and may wait for itself where one comes while it starts.
bool is_sanitizers([[maybe_unused]] signal_id signal) {
#if SIGKIT_TESTS_SANITIZED
  constexpr sigkit::signal_set faults{sigkit::sigsegv, sigkit::sigbus,  sigkit::sigfpe,
                                      sigkit::sigill,  sigkit::sigabrt, sigkit::sigtrap};
  return faults.contains(signal);
#else
  return false;
#endif
}

std::vector<signal_id> terminating() {
  std::vector<signal_id> all;
  for (const signal_id signal : sigkit::signal_set::all())
    if (signal.terminates() && !signal.is_reserved() && !is_sanitizers(signal))
      all.push_back(signal);
  return all;
}

/// How long the longest of them takes to have its command running, and some more.
std::chrono::nanoseconds time_to_start() {
  const auto before = std::chrono::steady_clock::now();
  constexpr int some = 5;
  for (int i = 0; i < some; ++i)
    test::spawned({test::program("sigtimeout"), "--tree", "60", "true"}).end();
  return (std::chrono::steady_clock::now() - before) * 2 / some;
}

class moments {
public:
  explicit moments(int count) : count_(count), longest_(time_to_start()) {}

  void send_all() {
    std::array<std::thread, 2> workers;
    for (std::thread& worker : workers)
      worker = std::thread([this] { work(); });
    for (std::thread& running : workers)
      running.join();
  }

  [[nodiscard]] const std::string& failures() const { return failures_; }
  /// Of ALRM: how often it ended the program itself, and how often it stood for the limit.
  [[nodiscard]] int before_begin() const { return before_begin_; }
  [[nodiscard]] int after_begin() const { return after_begin_; }

private:
  void work() {
    std::mt19937_64 random(std::random_device{}());
    for (int run = next_++; run < count_; run = next_++) {
      const auto index = static_cast<std::size_t>(run);
      send_one(commands[index % commands.size()],
               signals_[index / commands.size() % signals_.size()],
               std::uniform_int_distribution<std::int64_t>(0, longest_.count())(random));
    }
  }

  void send_one(const std::vector<std::string>& command, signal_id signal, std::int64_t moment) {
    std::vector<std::string> words = command;
    words[0] = test::program(words[0]);
    test::spawned running(words);
    const timespec time{moment / 1000000000, moment % 1000000000};
    ::clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
    ::kill(running.pid(), signal.number());
    const exit_status status = running.end();
    std::string wrong;
    if (!is_right(command, signal, status)) wrong = to_string(status);
    if (running.left_something()) wrong += " something is left";
    if (wrong.empty()) return;
    const std::scoped_lock lock(guard_);
    for (const std::string& word : command)
      failures_ += word + " ";
    failures_ += signal.name() + " after " + std::to_string(moment) + " ns: " + wrong + "\n";
  }

  /// Before it stands between, the signal ends the program itself, and so it does by its command.
  bool is_right(const std::vector<std::string>& command, signal_id signal,
                const exit_status& status) {
    const bool stands_for_limit = command[0] == "sigtimeout" && signal == sigkit::sigalrm;
    if (status.signal() == signal) {
      if (stands_for_limit) ++before_begin_;
      return true;
    }
    if (command.back() == "true" && status == exit_status::exited(0)) return true;
    if (stands_for_limit) ++after_begin_;
    return stands_for_limit && status == exit_status::exited(124);
  }

  const std::vector<signal_id> signals_ = terminating();
  const int count_;
  const std::chrono::nanoseconds longest_;
  std::atomic<int> next_ = 0;
  std::atomic<int> before_begin_ = 0;
  std::atomic<int> after_begin_ = 0;
  std::mutex guard_;
  std::string failures_;
};

} // namespace

TEST_CASE("a signal at any moment ends the command too, and the status says so") {
  moments all(test::number_from("SIGKIT_MOMENTS", usual_count));
  all.send_all();
  CHECK_MESSAGE(all.failures().empty(), all.failures());
  // That moments of both kinds were met.
  if (test::number_from("SIGKIT_MOMENTS", usual_count) < 5000) return;
  CHECK(all.before_begin() > 0);
  CHECK(all.after_begin() > 0);
}
