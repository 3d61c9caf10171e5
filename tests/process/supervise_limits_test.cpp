// What a program of one's own gets from the supervisor: its limits, its events, its facts.
#include <doctest/doctest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include <sigkit/sigkit.hpp>

#include "support/child.hpp"
#include "support/supervised.hpp"

using namespace sigkit;
using namespace std::chrono_literals;
using test::supervise;

namespace {

/// Writes down what is said.
class recorder final : public supervise_events {
public:
  void sending(signal_id signal, scope reach) noexcept override {
    said += signal.name() + "@" + to_string(reach) + " ";
  }
  std::optional<pidfd> at_limit(outcome why, const run_state& now) noexcept override {
    said += std::string(to_string(why)) + " ";
    state = now;
    return std::move(hook);
  }
  void hook_killed() noexcept override { said += "hook_killed "; }
  void warning(const run_state& now) noexcept override {
    said += "warning ";
    state = now;
  }
  void heartbeat(const run_state& /*now*/) noexcept override { ++heartbeats; }
  void tick(const run_state& /*now*/) noexcept override { ++ticks; }

  std::string said;
  run_state state;
  std::optional<pidfd> hook;
  int heartbeats = 0;
  int ticks = 0;
};

pidfd start(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (std::string& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  spawn_options how;
  how.group = 0;
  return std::move(*spawn(argv.data(), how).process);
}

const std::vector<std::string> hangs{"sleep", "1000"};

} // namespace

TEST_CASE("the state at a limit names the command, and the root of all that it started") {
  recorder events;
  supervise_options options;
  options.limit = 50ms;
  const auto result = supervise(hangs, options, &events);
  CHECK(events.said == "timed_out TERM@group ");
  CHECK(events.state.elapsed >= 50ms);
  CHECK(events.state.command > 0);
  REQUIRE(result.sent.size() == 1);
  CHECK(result.sent[0].signal == sigterm);
  CHECK(result.sent[0].at >= 50ms);
  CHECK(result.sent[0].targets.empty()); // without accounting
  CHECK(result.elapsed >= result.sent[0].at);
}

TEST_CASE("each limit names the outcome") {
  supervise_options options;
  options.cpu = 50ms;
  CHECK(supervise({"sh", "-c", "while :; do :; done"}, options).how == outcome::cpu_limit);
  options = {};
  options.until = std::chrono::system_clock::now() + 100ms;
  CHECK(supervise(hangs, options).how == outcome::deadline);
  options = {};
  options.idle = 100ms;
  CHECK(supervise(hangs, options).how == outcome::idle);
}

TEST_CASE("a hook is waited for before the first signal, and killed when it takes too long") {
  recorder events;
  events.hook = start({"sh", "-c", "exit 3"});
  supervise_options options;
  options.limit = 50ms;
  CHECK(supervise(hangs, options, &events).how == outcome::timed_out);
  CHECK(events.said == "timed_out TERM@group ");
  recorder late;
  late.hook = start({"sh", "-c", "sleep 1000; :"});
  options.hook_limit = 50ms;
  supervise(hangs, options, &late);
  CHECK(late.said == "timed_out hook_killed TERM@group ");
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1); // both were reaped
}

TEST_CASE("warnings, heartbeats and ticks are told") {
  recorder events;
  supervise_options options;
  options.limit = 1000s;
  options.warn = 2000s;
  options.heartbeat = 20ms;
  options.tick = 20ms;
  supervise({"sleep", ".3"}, options, &events);
  CHECK(events.said == "warning ");
  CHECK(events.state.left.value() > 900s);
  CHECK(events.heartbeats >= 1);
  CHECK(events.ticks >= 1);
}

TEST_CASE("with accounting the targets, the processor time and the memory are told") {
  supervise_options options;
  options.limit = 300ms;
  options.accounting = true;
  options.reach = scope::tree;
  const auto result = supervise({"sh", "-c", "while :; do :; done"}, options);
  REQUIRE(result.sent.size() == 1);
  REQUIRE(result.sent[0].targets.size() == 1);
  CHECK(result.sent[0].targets[0].name == "sh");
  CHECK(result.cpu_time > 0s);
  CHECK(result.peak_memory > 100'000);
}

TEST_CASE("orphans are ended in a program that does more, and its own children are not") {
  const std::string mark = test::new_mark();
  ::putenv(const_cast<char*>(mark.c_str()));
  const pidfd other = start(hangs);
  supervise_options options;
  options.left_behind = orphans::kill;
  const auto result = supervise({"sh", "-c", "(setsid sleep 1000 &); exit 6"}, options);
  CHECK(result.command == exit_status::exited(6));
  CHECK(test::marked_processes(mark).size() == 1);
  other.send(sigkill);
  ::waitpid(other.pid(), nullptr, 0);
}

TEST_CASE("what is wrong with the options is refused before anything starts") {
  const auto refused = [](auto change) {
    supervise_options options;
    change(options);
    CHECK_THROWS_AS(supervisor{options}, error);
  };
  refused([](supervise_options& options) { options.idle = -1s; });
  refused([](supervise_options& options) { options.cpu = -1s; });
  refused([](supervise_options& options) { options.warn = -1s; });
  refused([](supervise_options& options) { options.hook_limit = -1s; });
  refused([](supervise_options& options) { options.warn_signal = signal_id(99); });
  refused([](supervise_options& options) {
    options.steps = {{1s, sigkill, scope::pid_namespace}};
  });
}

TEST_CASE("a limit that never comes, and steps that never do, overflow nothing") {
  supervise_options options;
  options.limit = options.idle = options.cpu = options.warn = options.heartbeat = options.tick =
      options.hook_limit = never;
  options.steps = {{never, sigkill, std::nullopt}};
  CHECK(supervise({"sh", "-c", "sleep .1; exit 3"}, options).command == exit_status::exited(3));
}
