// sigtrap --wait.
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <sigkit/signal_set.hpp>

#include "cli/sigtrap.hpp"

using namespace test;

namespace {

/// It has said its PID, and so waits.
class waiter : public child {
public:
  explicit waiter(std::vector<std::string> words, const run_options& options = {})
      : child(all_words(std::move(words)), options), first_(wait_for_line("")) {}
  [[nodiscard]] const std::string& first_line() const { return first_; }
  [[nodiscard]] std::string rest() const { return out().substr(first_.size() + 1); }

private:
  static std::vector<std::string> all_words(std::vector<std::string> words) {
    words.insert(words.begin(), {"--print-pid", "--wait"});
    return sigtrap_words(std::move(words));
  }
  std::string first_;
};

const std::string sender = std::to_string(::getpid()) + " " + std::to_string(::getuid());

} // namespace

TEST_CASE("--wait says what came with a signal") {
  waiter one({"USR1,USR2"});
  CHECK(one.first_line() == std::to_string(one.pid()));
  ::kill(one.pid(), SIGUSR2);
  CHECK(one.finish() == exit_status::exited(0));
  CHECK(one.rest() == "12 USR2 " + sender + " SI_USER -\n");
  waiter queued({"RTMIN+4"});
  ::sigqueue(queued.pid(), SIGRTMIN + 4, {-3});
  CHECK(queued.finish() == exit_status::exited(0));
  CHECK(queued.rest() == "38 RTMIN+4 " + sender + " SI_QUEUE -3\n");
}

TEST_CASE("--wait takes every signal that can be changed") {
  waiter all({"all", "--count=0"});
  for (const sigkit::signal_id signal : sigkit::signal_set::changeable()) {
    ::kill(all.pid(), signal.number());
    CHECK(all.wait_for_line("") ==
          std::to_string(signal.number()) + " " + signal.name() + " " + sender + " SI_USER -");
  }
}

TEST_CASE("nothing is missed between two signals, and they come in order") {
  constexpr int count = 500;
  waiter many({"RTMIN", "--count", std::to_string(count)});
  std::string wanted;
  for (int i = 0; i < count; ++i) {
    ::sigqueue(many.pid(), SIGRTMIN, {i});
    wanted += "34 RTMIN " + sender + " SI_QUEUE " + std::to_string(i) + "\n";
  }
  CHECK(many.finish() == exit_status::exited(0));
  CHECK(many.rest() == wanted);
}

TEST_CASE("--timeout is for all that are waited for, and 0 is none") {
  CHECK(sigtrap({"--wait", "USR1", "--timeout", "50ms"}).status == exit_status::exited(124));
  waiter two({"USR1", "--count=2", "--timeout=300ms"});
  ::kill(two.pid(), SIGUSR1);
  CHECK(two.finish() == exit_status::exited(124));
  CHECK(two.rest() == "10 USR1 " + sender + " SI_USER -\n");
  waiter forever({"USR1", "--timeout=0"});
  ::kill(forever.pid(), SIGUSR1);
  CHECK(forever.finish() == exit_status::exited(0));
}

TEST_CASE("a signal that was pending, or is ignored by inheritance, counts") {
  const run_options pending{.environment = {},
                            .before_exec =
                                [] {
                                  sigset_t set;
                                  ::sigemptyset(&set);
                                  ::sigaddset(&set, SIGUSR1);
                                  ::sigprocmask(SIG_BLOCK, &set, nullptr);
                                  ::kill(::getpid(), SIGUSR1);
                                },
                            .argv0 = {}};
  CHECK(contains(sigtrap({"--wait", "USR1"}, pending).out, "10 USR1 "));
  waiter ignoring(
      {"HUP"}, {.environment = {}, .before_exec = [] { ::signal(SIGHUP, SIG_IGN); }, .argv0 = {}});
  ::kill(ignoring.pid(), SIGHUP);
  CHECK(ignoring.finish() == exit_status::exited(0));
}

TEST_CASE("--json makes an object of each line") {
  using nlohmann::json;
  waiter both({"USR1", "--json", "--count=2"});
  CHECK(json::parse(both.first_line()) ==
        json{{"schema", "sigkit.sigtrap.waiting/1"}, {"pid", both.pid()}});
  ::kill(both.pid(), SIGUSR1);
  json wanted = {{"schema", "sigkit.sigtrap.signal/1"},
                 {"signal", SIGUSR1},
                 {"name", "USR1"},
                 {"pid", ::getpid()},
                 {"uid", ::getuid()},
                 {"code", "SI_USER"},
                 {"value", nullptr}};
  CHECK(json::parse(both.wait_for_line("")) == wanted);
  ::sigqueue(both.pid(), SIGUSR1, {9});
  wanted["code"] = "SI_QUEUE";
  wanted["value"] = 9;
  CHECK(json::parse(both.wait_for_line("")) == wanted);
  CHECK(both.finish() == exit_status::exited(0));
}

TEST_CASE("what is not waited for has its own effect, and an output that fails is an error") {
  waiter one({"USR1"});
  ::kill(one.pid(), SIGTERM);
  CHECK(one.finish() == exit_status::killed(sigkit::sigterm));
  const auto full = run({"sh", "-c", "exec \"$@\" >/dev/full", "-", program("sigtrap"), "--wait",
                         "USR1", "--print-pid"});
  CHECK(full.status == exit_status::exited(125));
  CHECK(full.err == "sigtrap: write error on stdout: No space left on device\n");
}
