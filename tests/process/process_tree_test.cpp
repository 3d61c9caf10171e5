#include <doctest/doctest.h>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>

#include <sigkit/process_tree.hpp>

#include "support/child.hpp"
#include "tree_walk.hpp"

using namespace sigkit;

namespace {

std::vector<std::string> names(const std::vector<process_facts>& processes) {
  std::vector<std::string> result;
  for (const process_facts& facts : processes)
    if (facts.state != 'Z') result.push_back(facts.name);
  return result;
}

/// Reaps what became this process's child, as every subreaper has to.
void reap_orphans() {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

} // namespace

TEST_CASE("descendants are found with parents first, whatever session they moved to") {
  test::child job({"sh", "-c", "setsid sh -c 'echo ready; sleep 1000; :' & wait"});
  job.wait_for_line("ready");
  const std::vector<std::string> expected{"sh", "sh", "sleep"};
  REQUIRE(test::eventually([&] { return names(descendants(::getpid())) == expected; }));
  CHECK(names(descendants(job.pid())) == std::vector<std::string>{"sh", "sleep"});
  send_tree(::getpid(), sigkill);
}

TEST_CASE("a tree is ended although it has stopped, ignoring and daemonised members") {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const std::string mark = test::new_mark();
  test::child job({"sh", "-c",
                   "setsid sh -c 'sleep 1000 & exec sleep 1000' &"
                   "(setsid sleep 1000 &) ;"
                   "sh -c 'trap \"\" TERM; sleep 1000; sleep 1000' &"
                   "sh -c 'kill -STOP $$; sleep 1000' &"
                   "echo ready; wait"},
                  {.environment = {mark}, .before_exec = {}, .argv0 = {}});
  job.wait_for_line("ready");
  REQUIRE(test::eventually([&] { return test::marked_processes(mark).size() >= 7; }));
  const tree_delivery result = send_tree(::getpid(), sigkill);
  CHECK(result.frozen);
  CHECK(result.sent >= 7);
  CHECK(result.not_permitted.empty());
  CHECK(test::eventually([&] { return test::marked_processes(mark).empty(); }));
  reap_orphans();
}

TEST_CASE("TERM reaches a stopped member and all go on afterwards") {
  test::child job({"sh", "-c", "sh -c 'kill -STOP $$; sleep 1000' & echo ready; wait"});
  job.wait_for_line("ready");
  REQUIRE(test::eventually([&] {
    const auto found = descendants(job.pid());
    return found.size() == 1 && found.front().state == 'T';
  }));
  CHECK(send_tree(job.pid(), sigterm).sent == 1);
  CHECK(test::eventually([&] { return descendants(job.pid()).empty(); }));
}

TEST_CASE("a tree that forks all the time is frozen before it is ended") {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const std::string mark = test::new_mark();
  // Each generation leaves its parent behind: it dies when its child runs.
  test::child job({"bash", "-c",
                   "flee() { (flee &) ; sleep 0.01; }; export -f flee;"
                   "for i in 1 2 3; do (flee &) ; done; echo ready; wait"},
                  {.environment = {mark}, .before_exec = {}, .argv0 = {}});
  job.wait_for_line("ready");
  for (bool left = true; left;) {
    send_tree(::getpid(), sigkill);
    reap_orphans();
    left = !descendants(::getpid()).empty() && !names(descendants(::getpid())).empty();
  }
  CHECK(test::marked_processes(mark).empty());
}

TEST_CASE("a process whose first thread has ended is frozen as well") {
  test::child job({test::program("probe"), "threads"});
  job.wait_for_line("ready");
  REQUIRE(test::eventually([&] { return read_process(job.pid())->state == 'Z'; }));
  REQUIRE(test::eventually([&] { return !descendants(job.pid()).empty(); }));
  tree_walk walk(::getpid());
  CHECK(walk.freeze());
  // It has stood still: nothing new is found any more.
  const auto before = walk.facts();
  walk.pass(false, sys::clock::time_point::max());
  CHECK(before.size() == walk.facts().size());
  walk.send({.signal = sigkill});
  CHECK(job.finish() == exit_status::killed(sigkill));
}

TEST_CASE("signals that do not terminate reach the tree with nothing stopped") {
  test::child job({test::program("probe"), "catch", "CONT:0"});
  const std::string ready = job.wait_for_line("ready");
  CHECK(send_tree(::getpid(), sigwinch).sent == 1);
  job.wait_for_line("got WINCH");
  CHECK(send_tree(::getpid(), sigusr2).sent == 1); // terminates, where nobody catches it
  job.finish();
  CHECK(job.out() == ready + "\ngot WINCH\ngot USR2\ngot CONT\n");
}

TEST_CASE("a wide tree beyond the files that are kept open is ended") {
  rlimit few{};
  ::getrlimit(RLIMIT_NOFILE, &few);
  few.rlim_cur = 128; // enough for the files of nine members
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  const std::string mark = test::new_mark();
  test::child job({"bash", "-c", "for i in {1..400}; do sleep 1000 & done; echo ready; wait"},
                  {.environment = {mark}, .before_exec = {}, .argv0 = {}});
  job.wait_for_line("ready");
  CHECK(send_tree(::getpid(), sigkill).sent == 401);
  CHECK(test::eventually([&] { return test::marked_processes(mark).empty(); }));
}

TEST_CASE("a walk of this process's tree may keep more files open, and gives that back") {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = 64;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  const auto now = [] {
    rlimit found{};
    ::getrlimit(RLIMIT_NOFILE, &found);
    return found.rlim_cur;
  };
  {
    tree_walk walk(::getpid());
    CHECK(now() == 64);
    walk.keep_more_files();
    CHECK(now() == std::min<rlim_t>(limit.rlim_max, 65536));
  }
  CHECK(now() == 64);
}

TEST_CASE("freezing reaps children that have ended, but for the one that is kept") {
  std::vector<pid_t> ended;
  for (int i = 0; i < 3; ++i) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(i);
    ended.push_back(child);
  }
  for (const pid_t child : ended) {
    siginfo_t info{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) == 0);
  }
  test::child living({"sleep", "1000"});
  tree_walk walk(::getpid());
  walk.reap_all_but(ended[1]);
  CHECK(walk.freeze());
  CHECK(names(walk.facts()).size() == 1);
  CHECK(::waitpid(ended[0], nullptr, WNOHANG) == -1);
  CHECK(::waitpid(ended[2], nullptr, WNOHANG) == -1);
  int status = 0;
  CHECK(::waitpid(ended[1], &status, WNOHANG) == ended[1]);
  CHECK(WEXITSTATUS(status) == 1);
  walk.continue_all();
  walk.send({.signal = sigkill});
  CHECK(living.finish() == exit_status::killed(sigkill));
}

TEST_CASE("members that continue their group all the time are frozen") {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  test::child job({"sh", "-c",
                   "for i in 1 2 3; do sh -c 'trap : CONT; while :; do kill -CONT 0; done' & done;"
                   "echo ready; wait"},
                  {.environment = {}, .before_exec = [] { ::setpgid(0, 0); }, .argv0 = {}});
  job.wait_for_line("ready");
  CHECK(send_tree(::getpid(), sigkill).frozen);
}

TEST_CASE("a thread in uninterruptible sleep that is about to make a process is not at rest") {
  const std::string clone = std::to_string(SYS_clone) + " 0x11 0x0";
  CHECK(is_making_process(clone, "percpu_rwsem_wait"));
  CHECK(is_making_process(std::to_string(SYS_clone3) + " 0x1", "cgroup_css_set_fork"));
  CHECK_FALSE(is_making_process(clone, "kernel_clone")); // waits for vfork(2)
  CHECK_FALSE(is_making_process(clone, "0"));            // not told
  CHECK_FALSE(is_making_process(std::to_string(SYS_read) + " 0x3", "percpu_rwsem_wait"));
  CHECK_FALSE(is_making_process("running", "0"));
  CHECK_FALSE(is_making_process("", ""));
}

TEST_CASE("what is left out is,  with all below it") {
  test::child job({"sh", "-c", "sh -c 'sleep 1000; :' & echo ready $!; wait"});
  const pid_t spared = std::stoi(job.wait_for_line("ready").substr(6));
  REQUIRE(test::eventually([&] { return names(descendants(job.pid())).size() == 2; }));
  tree_walk walk(job.pid(), {spared});
  walk.find_all();
  CHECK(walk.facts().empty());
  send_tree(job.pid(), sigkill);
}
