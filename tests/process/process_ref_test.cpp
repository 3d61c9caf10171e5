#include <doctest/doctest.h>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include <sigkit/sigkit.hpp>

#include "end_watch.hpp"
#include "support/child.hpp"

using namespace sigkit;

namespace {

/// A child that sleeps until it is killed.
pid_t start_sleeper() {
  const pid_t pid = ::fork();
  if (pid == 0)
    for (;;)
      ::pause();
  return pid;
}

void reap(pid_t pid) {
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

} // namespace

TEST_CASE("process_ref: a released one is opened and compared for each use") {
  const pid_t pid = start_sleeper();
  auto whom = process_ref::open(pid);
  REQUIRE(whom);
  CHECK(whom->pid() == pid);
  CHECK(whom->held() != nullptr);
  whom->release();
  CHECK(whom->held() == nullptr);
  CHECK(whom->send(signull) == delivery::sent);
  CHECK(whom->reopen());
  reap(pid);
  CHECK(whom->send(signull) == delivery::gone);
  CHECK(whom->queue(sigusr1, 1) == delivery::gone);
  CHECK_FALSE(whom->reopen());
}

TEST_CASE("process_ref: another process with the PID is not taken for it") {
  const pid_t pid = start_sleeper();
  const auto facts = read_process(pid);
  REQUIRE(facts);
  CHECK(process_ref::open(process_identity{pid, facts->start_time, 0}));
  CHECK_FALSE(process_ref::open(process_identity{pid, facts->start_time + 1, 0}));
  const process_ref other(process_identity{pid, facts->start_time - 1, 0});
  CHECK(other.send(sigkill) == delivery::gone);
  CHECK(read_process(pid)->state != 'Z');
  CHECK_FALSE(process_ref::open(process_identity{0x3fffff, 1, 0}));
  reap(pid);
}

TEST_CASE("process_ref: the inode of a pidfd names one process") {
  const pid_t pid = start_sleeper();
  const auto held = pidfd::open(pid);
  try {
    const std::uint64_t inode = inode_of(*held);
    CHECK(inode == inode_of(*pidfd::open(pid)));
    CHECK(inode != inode_of(*pidfd::open(::getpid())));
    const auto whom = process_ref::open(process_identity{pid, 0, inode});
    REQUIRE(whom);
    CHECK(whom->send(signull) == delivery::sent);
    CHECK_FALSE(process_ref::open(process_identity{pid, 0, inode + 1}));
  } catch (const error& old_kernel) {
    CHECK(old_kernel.code() == std::errc::function_not_supported);
  }
  reap(pid);
}

TEST_CASE("end_watch: more processes than descriptors are watched, and each end is told once") {
  constexpr std::size_t count = 100;
  const rlimit few{60, 60};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  std::vector<pid_t> pids;
  std::vector<process_ref> refs;
  for (std::size_t i = 0; i < count; ++i) {
    pids.push_back(start_sleeper());
    refs.push_back(*process_ref::open(pids.back()));
    if (i >= 5) refs.back().release();
  }
  end_watch watch;
  for (std::size_t i = 0; i < count; ++i)
    watch.add(i, refs[i]);
  std::vector<std::size_t> ended;
  const auto note = [&](std::size_t key) { ended.push_back(key); };
  watch.take_ended(note);
  CHECK(ended.empty());
  CHECK(watch.size() == count);
  for (const pid_t pid : pids)
    reap(pid);
  CHECK(test::eventually([&] {
    watch.take_ended(note);
    return watch.size() == 0;
  }));
  std::ranges::sort(ended);
  REQUIRE(ended.size() == count);
  for (std::size_t i = 0; i < count; ++i)
    CHECK(ended[i] == i);
}

TEST_CASE("selection: a process is found by what it is, and held") {
  test::child probe({test::program("probe"), "catch", "TERM:7"});
  probe.wait_for_line("ready");
  process_conditions conditions;
  conditions.name = {"^probe$"};
  conditions.parents = {::getpid()};
  const auto found = select_processes(conditions);
  REQUIRE(found.size() == 1);
  CHECK(found.front().facts.pid == probe.pid());
  CHECK(found.front().process.send(sigterm) == delivery::sent);
  CHECK(probe.finish() == exit_status::exited(7));
  CHECK(select_processes(conditions).empty());
  conditions.name = {"("};
  CHECK_THROWS_AS(select_processes(conditions), error);
}

TEST_CASE("selection: this process and its ancestors are left out, unless they are wanted") {
  process_conditions conditions;
  conditions.command = {"."};
  const auto is_self = [](const selected_process& one) { return one.facts.pid == ::getpid(); };
  CHECK_FALSE(std::ranges::any_of(select_processes(conditions), is_self));
  conditions.include_self = true;
  CHECK(std::ranges::any_of(select_processes(conditions), is_self));
  const std::vector<pid_t> above = ancestors(::getpid());
  REQUIRE_FALSE(above.empty());
  CHECK(above.front() == ::getppid());
}

TEST_CASE("selection: of some processes, those are told for which the conditions hold") {
  const pid_t first = start_sleeper();
  const pid_t second = start_sleeper();
  std::vector<process_ref> both;
  both.push_back(*process_ref::open(first));
  both.push_back(*process_ref::open(second));
  both.back().release();
  process_conditions conditions;
  conditions.parents = {::getpid()};
  CHECK(select_processes(conditions, both).size() == 2);
  conditions.only = process_conditions::pick::newest;
  const auto newest = select_processes(conditions, both);
  REQUIRE(newest.size() == 1);
  CHECK(newest.front().facts.pid == second);
  conditions.only = process_conditions::pick::all;
  conditions.inverse = true;
  CHECK(select_processes(conditions, both).empty());
  reap(first);
  reap(second);
}
