#include <doctest/doctest.h>

#include <sigkit/ladder.hpp>
#include <sigkit/supervise.hpp>

#include "rungs.hpp"

using namespace sigkit;
using namespace std::chrono_literals;

TEST_CASE("a step is a duration, a signal and maybe a scope") {
  CHECK(parse_step("10s:TERM") == step{10s, sigterm, std::nullopt});
  CHECK(parse_step("0:9@tree") == step{0s, sigkill, scope::tree});
  CHECK(parse_step("1h30m:SIGINT@process") == step{90min, sigint, scope::process});
  CHECK(parse_step("1:0") == step{1s, signull, std::nullopt});
}

TEST_CASE("what is no step is refused with the reason") {
  std::string why;
  CHECK_FALSE(parse_step("10s", &why));
  CHECK(why.find("DUR:SIG") != std::string::npos);
  CHECK_FALSE(parse_step("x:TERM", &why));
  CHECK(why == "invalid time interval 'x'");
  CHECK_FALSE(parse_step("1:FOO", &why));
  CHECK(why == "'FOO': invalid signal");
  CHECK_FALSE(parse_step("1:TERM@moon", &why));
  CHECK(why.find("invalid scope 'moon'") == 0);
  CHECK_FALSE(parse_step("1:TERM@"));
  CHECK_FALSE(parse_step(""));
  CHECK_FALSE(parse_step(":TERM"));
}

TEST_CASE("every scope is read by its own name") {
  for (const scope reach : {scope::process, scope::group, scope::session, scope::tree,
                            scope::cgroup, scope::pid_namespace, scope::automatic})
    CHECK(parse_scope(to_string(reach)) == reach);
  CHECK_FALSE(parse_scope("Tree"));
  CHECK_FALSE(parse_scope(""));
}

TEST_CASE("a ladder over a tree that has no KILL ends with one") {
  supervise_options options;
  options.reach = scope::tree;
  rungs ladder(options);
  const auto start = sys::clock::now();
  ladder.start(start);
  CHECK(ladder.take(start)->signal == sigterm);
  ladder.sent(start);
  CHECK_FALSE(ladder.take(start + 4s));
  const auto last = ladder.take(start + 5s);
  REQUIRE(last);
  CHECK(last->signal == sigkill);
  CHECK(last->reach == scope::tree);
  ladder.sent(start + 5s);
  CHECK_FALSE(ladder.pending());
}

TEST_CASE("a step is counted from when the one before it was sent, however long that took") {
  supervise_options options;
  options.steps = {{50ms, sigkill, std::nullopt}};
  rungs ladder(options);
  const auto start = sys::clock::now();
  ladder.start(start);
  REQUIRE(ladder.take(start));
  ladder.sent(start + 1s); // a tree was frozen first
  CHECK_FALSE(ladder.take(start + 1s));
  CHECK(ladder.due() == start + 1050ms);
}

TEST_CASE("a KILL that does not reach the tree does not end its ladder") {
  supervise_options options;
  options.reach = scope::tree;
  options.steps = {{1s, sigkill, scope::process}};
  rungs ladder(options);
  const auto start = sys::clock::now();
  ladder.start_after_first(start);
  CHECK(ladder.take(start + 1s)->reach == scope::process);
  ladder.sent(start + 1s);
  CHECK(ladder.pending());
  CHECK(ladder.due() == start + 6s);
}

TEST_CASE("a KILL that a signal from outside took the place of is not the ladder's end") {
  supervise_options options;
  options.reach = scope::tree;
  options.signal = sigkill;
  rungs ladder(options);
  const auto start = sys::clock::now();
  ladder.start_after_first(start);
  CHECK(ladder.due() == start + 5s);
  REQUIRE(ladder.take(start + 5s));
  CHECK(ladder.take(start + 5s)->signal == sigkill);
}

TEST_CASE("a tree's ladder whose KILL never comes still ends with one") {
  supervise_options options;
  options.reach = scope::tree;
  options.steps = {{never, sigkill, std::nullopt}};
  rungs ladder(options);
  const auto start = sys::clock::now();
  ladder.start_after_first(start);
  CHECK(ladder.due() == start + 5s);
}

TEST_CASE("a step that never comes ends a ladder without a time") {
  supervise_options options;
  options.steps = {{never, sigkill, std::nullopt}, {1s, sighup, std::nullopt}};
  rungs ladder(options);
  const auto start = sys::clock::now();
  ladder.start(start);
  CHECK(ladder.take(start));
  ladder.sent(start);
  CHECK(ladder.due() == sys::clock::time_point::max());
}

TEST_CASE("every preset is found by its name, and its ladder ends with KILL") {
  for (const preset& one : presets()) {
    CHECK(find_preset(one.name) == &one);
    CHECK(one.steps.back().signal == sigkill);
  }
  CHECK(find_preset("github")->signal == sigint);
  CHECK(find_preset("github")->steps[0] == step{7500ms, sigterm, std::nullopt});
  CHECK(find_preset("ctest")->steps[0] == step{1s, sigstop, scope::tree});
  CHECK(find_preset("moon") == nullptr);
}

TEST_CASE("what the command left behind is for the whole ladder, which then ends with KILL") {
  supervise_options options;
  rungs ladder(options);
  const auto start = sys::clock::now();
  ladder.start(start);
  ladder.sent(start);
  CHECK_FALSE(ladder.pending());
  ladder.cover(scope::tree);
  CHECK_FALSE(ladder.started());
  ladder.start(start);
  CHECK(ladder.take(start)->reach == scope::tree);
  ladder.sent(start);
  CHECK(ladder.take(start + 5s)->signal == sigkill);
}
