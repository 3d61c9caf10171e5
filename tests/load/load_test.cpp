// Many at once, and many one after the other. SIGKIT_AT_ONCE and SIGKIT_IN_A_ROW say how many.
#include <doctest/doctest.h>

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <sigkit/supervise.hpp>

#include "load/spawned.hpp"

using sigkit::exit_status;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

#if SIGKIT_TESTS_SANITIZED
constexpr int usually_at_once = 30;
constexpr int usually_in_a_row = 100;
#else
constexpr int usually_at_once = 300;
constexpr int usually_in_a_row = 2000;
#endif

std::size_t open_files() {
  const std::filesystem::directory_iterator files("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

struct limited {
  steady_clock::time_point due;
  std::unique_ptr<test::spawned> process;
};

/// How late those of `program` were that are all started, with limits of up to two seconds after
/// the last is started; in milliseconds, sorted.
std::vector<double> lateness_of(const std::string& program, int count) {
  std::mt19937 random(4711);
  std::vector<limited> running;
  const auto all_started = steady_clock::now() + milliseconds(4 * count);
  for (int i = 0; i < count; ++i) {
    const auto due = std::max(all_started + milliseconds(random() % 2000),
                              steady_clock::now() + milliseconds(200));
    const std::chrono::duration<double> limit = due - steady_clock::now();
    running.push_back({due, std::make_unique<test::spawned>(std::vector<std::string>{
                                program, std::to_string(limit.count()), "sleep", "600"})});
  }
  std::vector<double> late;
  while (!running.empty()) {
    const auto erased = std::erase_if(running, [&](limited& one) {
      const auto status = one.process->ended();
      if (!status) return false;
      const std::chrono::duration<double, std::milli> after = steady_clock::now() - one.due;
      late.push_back(after.count());
      CHECK(*status == exit_status::exited(124));
      CHECK_FALSE(one.process->left_something());
      return true;
    });
    if (erased == 0) ::poll(nullptr, 0, 1);
  }
  std::ranges::sort(late);
  return late;
}

void say_lateness(const char* program, const std::vector<double>& late) {
  std::printf("%-10s %zu at once: late by %.1f ms (median), %.1f ms (99 of 100), %.1f ms (most)\n",
              program, late.size(), late[late.size() / 2], late[late.size() * 99 / 100],
              late.back());
}

void raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

} // namespace

TEST_CASE("many limits at once, each with its own status") {
  raise_descriptor_limit();
  const int count = test::number_from("SIGKIT_AT_ONCE", usually_at_once);
  const auto late = lateness_of(test::program("sigtimeout"), count);
  CHECK(late.size() == static_cast<std::size_t>(count));
  CHECK(late.front() > -1); // none of them early
  say_lateness("sigtimeout", late);
  // What the machine itself takes, where the one that is replaced is there.
  if (std::getenv("SIGKIT_AT_ONCE") != nullptr)
    say_lateness("timeout", lateness_of("timeout", count));
}

TEST_CASE("runs in a row leave no process and no descriptor") {
  const int count = test::number_from("SIGKIT_IN_A_ROW", usually_in_a_row);
  const std::size_t before = open_files();
  for (int i = 0; i < count; ++i) {
    const bool tree = i % 2 != 0;
    test::spawned run(
        tree ? std::vector<std::string>{test::program("sigtimeout"), "--tree", "60", "true"}
             : std::vector<std::string>{test::program("sigtimeout"), "60", "true"});
    REQUIRE(run.end() == exit_status::exited(0));
    REQUIRE_FALSE(run.left_something());
  }
  CHECK(open_files() == before);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("supervisors in a row, in one process, leave no process and no descriptor") {
  const int count = test::number_from("SIGKIT_IN_A_ROW", usually_in_a_row);
  std::string word = "true";
  char* const argv[]{word.data(), nullptr};
  const auto run = [&](bool tree, bool relayed) {
    sigkit::supervise_options options;
    options.limit = std::chrono::seconds(60);
    if (tree) options.reach = sigkit::scope::tree;
    if (relayed) options.relay = sigkit::relay_by::pipe;
    return sigkit::supervisor(options).run(argv).command == exit_status::exited(0);
  };
  REQUIRE(run(true, true)); // what is opened once
  const std::size_t before = open_files();
  for (int i = 0; i < count; ++i)
    REQUIRE(run(i % 2 != 0, i % 4 < 2));
  CHECK(open_files() == before);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}
