#include <doctest/doctest.h>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include <sigkit/sigkit.hpp>

#include "support/child.hpp"

using namespace sigkit;
using namespace std::chrono_literals;

namespace {

process_ref ref_of(const test::child& whom) {
  auto found = process_ref::open(whom.pid());
  REQUIRE(found);
  return std::move(*found);
}

escalation_options with_ladder(std::vector<step> steps, duration wait) {
  escalation_options options;
  options.steps = std::move(steps);
  options.wait = wait;
  return options;
}

} // namespace

TEST_CASE("escalation: a program ends a process that is no child, step by step") {
  test::child shell({"sh", "-c", "trap '' TERM; sleep 1000 & echo child $!; wait; wait"});
  const pid_t child = std::stoi(shell.wait_for_line("child").substr(6));
  escalation sends(with_ladder({{1ms, sigterm, {}}, {1ms, sigkill, {}}}, never));
  sends.add(*process_ref::open(child));
  CHECK(sends.run());
  REQUIRE(sends.addressees().size() == 1);
  const addressee& whom = sends.addressees().front();
  CHECK(whom.id == child);
  CHECK(whom.outcome() == sending::sent);
  CHECK(whom.steps.back().signal == sigkill);
  CHECK(whom.ended.has_value());
}

TEST_CASE("escalation: the same process twice is one") {
  test::child probe({test::program("probe"), "catch", "TERM:7"});
  probe.wait_for_line("ready");
  escalation sends(escalation_options{});
  sends.add(ref_of(probe));
  sends.add(ref_of(probe));
  CHECK(sends.run());
  CHECK(sends.addressees().size() == 1);
  CHECK(probe.finish() == exit_status::exited(7));
}

TEST_CASE("escalation: handlers are called while it waits, and what they throw comes out") {
  test::child probe({test::program("probe"), "ignore", "TERM"});
  probe.wait_for_line("ready");
  int calls = 0;
  set_handler(sigalrm, [&](signal_id, const signal_info&) {
    if (++calls == 3) throw std::runtime_error("enough");
  });
  setitimer(itimer::real, 1ms, 1ms);
  escalation sends(with_ladder({}, never));
  sends.add(ref_of(probe));
  CHECK_THROWS_WITH(sends.run(), "enough");
  setitimer(itimer::real, 0ms);
  CHECK(calls == 3);
}

TEST_CASE("escalation: a wait that is over is told") {
  test::child probe({test::program("probe"), "ignore", "TERM"});
  probe.wait_for_line("ready");
  escalation sends(with_ladder({}, 1ms));
  sends.add(ref_of(probe));
  CHECK_FALSE(sends.run());
  CHECK_FALSE(sends.addressees().front().ended);
}

TEST_CASE("escalation: what nobody can mean is refused") {
  escalation_options options;
  options.signal = signal_id(65);
  CHECK_THROWS_AS(escalation{options}, error);
  options = {};
  options.reach = scope::pid_namespace;
  CHECK_THROWS_AS(escalation{options}, error);
  options = {};
  options.wait = -1s;
  CHECK_THROWS_AS(escalation{options}, error);
  options = {};
  options.steps = {{1s, sigkill, scope::automatic}};
  CHECK_THROWS_AS(escalation{options}, error);
  escalation plain{escalation_options{}};
  CHECK_THROWS_AS(plain.add_group(1), error);
  CHECK_THROWS_AS(plain.add_group(-2), error);
  CHECK_FALSE(plain.add_thread(0x3fffff));
}

TEST_CASE("escalation: a scope with this process in it needs to be meant") {
  escalation_options options;
  options.reach = scope::tree;
  options.signal = signull;
  escalation sends(options);
  sends.add(*process_ref::open(::getppid()));
  sends.find();
  CHECK(sends.reaches_self());
  try {
    sends.run();
    FAIL("accepted");
  } catch (const error& refused) {
    CHECK(refused.code() == std::errc::operation_not_permitted);
  }
}

TEST_CASE("escalation: nothing that a tree consisted of is left stopped") {
  test::child job({"sh", "-c",
                   "trap 'echo term' TERM; sh -c 'trap \"\" TERM; echo up $$; while :; do "
                   "sleep 1000; done' & wait; wait; wait; wait"});
  const pid_t inner = std::stoi(job.wait_for_line("up").substr(3));
  for (int round = 1; round <= 3; ++round) {
    escalation_options options;
    options.reach = scope::tree;
    escalation sends(options);
    sends.add(ref_of(job));
    CHECK(sends.run());
    job.wait_for_line("term");
    CHECK(read_process(inner)->state != 'T');
    CHECK(read_process(job.pid())->state != 'T');
  }
  escalation sends([] {
    escalation_options options = with_ladder({{0s, sigkill, {}}}, never);
    options.reach = scope::tree;
    return options;
  }());
  sends.add(ref_of(job));
  CHECK(sends.run());
  CHECK(sends.addressees().size() >= 2);
}

TEST_CASE("escalation: a member that outlives the root is in the next step") {
  test::child job({"sh", "-c",
                   "sh -c 'trap \"\" TERM; echo up $$; while :; do sleep 1000; done' & "
                   "wait"});
  const pid_t inner = std::stoi(job.wait_for_line("up").substr(3));
  escalation_options options = with_ladder({{100ms, sigkill, {}}}, never);
  options.reach = scope::tree;
  escalation sends(options);
  sends.add(ref_of(job));
  CHECK(sends.run());
  bool seen = false;
  for (const addressee& one : sends.addressees())
    if (one.id == inner) {
      seen = true;
      CHECK(one.by_scope);
      CHECK(one.steps.back().signal == sigkill);
      CHECK(one.ended.has_value());
    }
  CHECK(seen);
}
