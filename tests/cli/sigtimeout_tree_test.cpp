#include <doctest/doctest.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sigkit/process_tree.hpp>

#include "cli/sigtimeout.hpp"
#include "support/timing.hpp"

using sigkit::exit_status;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> tree(std::vector<std::string> rest) {
  rest.insert(rest.begin(), "--tree");
  return rest;
}

/// A daemon of a session of its own, a daemon that was forked twice, a process that ignores TERM,
/// and a stopped one; then the job hangs.
const char* const hostile_job = "setsid sh -c 'sleep 1000; :' &"
                                "(setsid sh -c '(sleep 1000; :) &' &);"
                                "sh -c 'trap \"\" TERM INT HUP; while :; do sleep 1000; done' &"
                                "sh -c 'kill -STOP $$; sleep 1000' &"
                                "(sleep 1000 &);"
                                "sleep 1000; sleep 1000";

void limit_descriptors(rlim_t most) {
  const rlimit limit{most, most};
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) ::_exit(98);
}

/// sigtimeout with a child from before its start, so that there is a process in between.
test::run_result in_between(const std::string& words) {
  const std::string mark = test::new_mark();
  const auto result = test::run({"bash", "-c",
                                 "env " + mark + " sleep 1000 >&- 2>&- & exec " +
                                     test::program("sigtimeout") + " --tree " + words});
  test::kill_marked(mark);
  return result;
}

} // namespace

TEST_CASE("a hostile job leaves daemons behind where only the group is signalled") {
  // It is as hostile as the tests below take it to be.
  const std::string mark = test::new_mark();
  const test::run_options marked{.environment = {mark}, .before_exec = {}, .argv0 = {}};
  test::run({test::program("sigtimeout"), "-k", ".05", ".3", "sh", "-c",
             "exec >&- 2>&-; " + std::string(hostile_job)},
            marked);
  CHECK(test::marked_processes(mark).size() >= 2);
  test::kill_marked(mark);
}

TEST_CASE("children from before the start are not touched, nor what they start") {
  const std::string mark = test::new_mark();
  const std::string other = test::new_mark();
  const std::string sigtimeout = test::program("sigtimeout");
  // The shell starts two children, one of which forks on and dies, and then becomes sigtimeout.
  const auto result = test::run({"bash", "-c",
                                 "env " + other +
                                     " sh -c 'sleep 1000 & exec sleep 1000' >&- 2>&- & "
                                     "env " +
                                     other +
                                     " sh -c 'sleep .3; (sleep 1000 &); exit 0' >&- 2>&- &"
                                     "exec env " +
                                     mark + " " + sigtimeout + " --tree -k .1 .6 sh -c \"$1\"",
                                 "bash", hostile_job});
  CHECK(result.status == exit_status::exited(124));
  CHECK_MESSAGE(test::marked_processes(mark).empty(), test::joined(test::marked_processes(mark)));
  CHECK_MESSAGE(test::eventually([&] { return test::marked_processes(other).size() == 3; }),
                test::joined(test::marked_processes(other)));
  test::kill_marked(other);
}

TEST_CASE("the process in between passes on the command's status and start failure") {
  CHECK(in_between("5 sh -c 'exit 3'").status == exit_status::exited(3));
  CHECK(in_between("5 sh -c 'kill -9 $$'").status == exit_status::killed(sigkit::sigkill));
  CHECK(in_between("5 no-such-program").status == exit_status::exited(127));
  CHECK(in_between("5 /tmp").status == exit_status::exited(126));
  CHECK(in_between(".1 sleep 1000").status == exit_status::exited(124));
  CHECK(in_between("-p .1 sleep 1000").status == exit_status::exited(143));
  CHECK(in_between("5 sh -c '(sleep 1000 &) ; exit 4'").status == exit_status::exited(4));
}

TEST_CASE("what a command leaves behind when it ends in time is ended, and the status is its own") {
  const test::stopwatch watch;
  const test::job_result job =
      test::sigtimeout_job(tree({"1000", "sh", "-c", "(setsid sleep 1000 &); exit 6"}));
  CHECK(job.status == exit_status::exited(6));
  CHECK_MESSAGE(job.left.empty(), test::joined(job.left));
  CHECK(watch.less_than(4s)); // TERM was enough
}

TEST_CASE("what is left behind and ignores TERM is ended by KILL after 5 s") {
  const test::temporary_directory directory;
  const test::job_result job = test::sigtimeout_job(
      tree({"1000", "sh", "-c",
            "mkfifo $1/ready; $0 ignore TERM >$1/ready & read line <$1/ready; exit 6",
            test::program("probe"), directory.path()}));
  CHECK(job.status == exit_status::exited(6));
  CHECK_MESSAGE(job.left.empty(), test::joined(job.left));
}

TEST_CASE("a TERM from outside ends the whole tree") {
  const std::string mark = test::new_mark();
  test::child running(test::sigtimeout_words(tree({"-k", ".2", "1000", "sh", "-c",
                                                   std::string("echo ready; ") + hostile_job})),
                      {.environment = {mark}, .before_exec = {}, .argv0 = {}});
  running.wait_for_line("ready");
  ::kill(running.pid(), SIGTERM);
  CHECK(running.finish() == exit_status::killed(sigkit::sigterm));
  CHECK_MESSAGE(test::marked_processes(mark).empty(), test::joined(test::marked_processes(mark)));
}

TEST_CASE("a tree that keeps forking and fleeing is ended") {
  for (int i = 0; i < 5; ++i) {
    const test::job_result job = test::sigtimeout_job(
        tree({"-k", ".1", ".3", "bash", "-c",
              "trap '' TERM; flee() { (setsid bash -c flee &) ; sleep .02; }; export -f flee;"
              "for i in 1 2 3; do (flee &) ; done; wait; sleep 1000"}));
    CHECK(job.status == exit_status::exited(137));
    CHECK_MESSAGE(job.left.empty(), test::joined(job.left));
  }
}

TEST_CASE("a deep and a wide tree are ended") {
  const test::job_result deep = test::sigtimeout_job(
      tree({"-k", "1", "1000", "bash", "-c",
            "down() { if [ $1 = 0 ]; then kill -ALRM $TOP; sleep 1000; else (down $(($1 - 1)); :); "
            "fi; }; TOP=$PPID; down 100"}));
  CHECK(deep.status == exit_status::exited(124));
  CHECK_MESSAGE(deep.left.empty(), test::joined(deep.left));
  const test::job_result wide = test::sigtimeout_job(
      tree({"-k", "1", "1000", "bash", "-c",
            "for i in {1..300}; do sleep 1000 & done; kill -ALRM $PPID; wait"}));
  CHECK(wide.status == exit_status::exited(124));
  CHECK_MESSAGE(wide.left.empty(), test::joined(wide.left));
}

TEST_CASE("a step may reach another scope than the others") {
  const test::temporary_directory directory;
  const auto result = test::sigtimeout(tree(
      {"-s", "USR1", "--then", "300ms:TERM@process", "--then", "300ms:KILL", "1000", "sh", "-c",
       "mkfifo $0/ready;"
       "sh -c 'trap \"echo inner USR1\" USR1; trap \"echo inner TERM\" TERM; echo up >$0/ready;"
       "while :; do sleep .01; done' $0 & "
       "trap 'echo outer USR1' USR1; trap 'echo outer TERM; exit 1' TERM;"
       "read line <$0/ready; kill -ALRM $PPID; while :; do sleep .01; done",
       directory.path()}));
  CHECK(result.status == exit_status::exited(124));
  CHECK(result.out.find("outer USR1") != std::string::npos);
  CHECK(result.out.find("inner USR1") != std::string::npos);
  CHECK(result.out.find("outer TERM") != std::string::npos);
  CHECK(result.out.find("inner TERM") == std::string::npos);
}

TEST_CASE("the tree of a command in a session of its own") {
  const test::job_result job = test::sigtimeout_job(
      tree({"--then", ".05:TERM@session", "--then", ".05:KILL", ".1", "sh", "-c", hostile_job}));
  CHECK(job.status == exit_status::exited(124));
  CHECK_MESSAGE(job.left.empty(), test::joined(job.left));
}

TEST_CASE("a KILL of the group does not hit the process in between") {
  for (const char* step : {".05:KILL@group", ".05:STOP@group"}) {
    const std::string mark = test::new_mark();
    const std::string other = test::new_mark();
    const auto result =
        test::run({"bash", "-c",
                   "env " + other + " sleep 1000 >&- 2>&- & exec env " + mark + " " +
                       test::program("sigtimeout") + " --tree --then " + step +
                       " --then .1:KILL .2 sh -c 'trap \"\" TERM; setsid sleep 1000 & sleep 1000; "
                       "sleep 1000'"});
    CHECK(result.status == exit_status::exited(137));
    const std::vector<std::string> left = test::marked_processes(mark);
    CHECK_MESSAGE(left.empty(), test::joined(left));
    test::kill_marked(other);
  }
}

TEST_CASE("a TERM from outside leaves time to clean up, even where the limit's signal is KILL") {
  test::child running(
      test::sigtimeout_words(tree({"-s", "KILL", "1000", "sh", "-c",
                                   "trap 'sleep .2; echo cleaned; exit 7' TERM; echo ready;"
                                   "while :; do sleep .01; done"})));
  running.wait_for_line("ready");
  ::kill(running.pid(), SIGTERM);
  CHECK(running.finish() == exit_status::exited(7));
  CHECK(running.out().find("cleaned\n") != std::string::npos);
}

TEST_CASE("a tree with more processes than descriptors is ended") {
  const std::string mark = test::new_mark();
  const auto result = test::sigtimeout(
      tree({"-k", "1", "1000", "bash", "-c",
            "for i in {1..150}; do sleep 1000 & done; kill -ALRM $PPID; wait"}),
      {.environment = {mark}, .before_exec = [] { limit_descriptors(32); }, .argv0 = {}});
  CHECK(result.status == exit_status::exited(124));
  CHECK_MESSAGE(test::marked_processes(mark).empty(), test::joined(test::marked_processes(mark)));
}

TEST_CASE("a tree is ended where what was inherited leaves few descriptors") {
  if (SIGKIT_TESTS_SANITIZED) SKIP("a sanitizer takes what it cannot look at for a fault");
  constexpr int limit = 64;
  for (const int left : {24, 16, 12}) {
    const std::string mark = test::new_mark();
    const auto result = test::sigtimeout(
        tree({"-k", "5", "1000", "sh", "-c",
              "for i in 1 2 3 4 5 6 7 8; do setsid sleep 1000 & done; kill -ALRM $PPID; wait"}),
        {.environment = {mark},
         .before_exec =
             [left] {
               limit_descriptors(limit);
               for (int i = 3; i < limit - left; ++i)
                 ::dup2(STDIN_FILENO, i);
             },
         .argv0 = {}});
    CHECK(result.status == exit_status::exited(124));
    CHECK_MESSAGE(result.err.empty(), result.err);
    CHECK_MESSAGE(test::marked_processes(mark).empty(), test::joined(test::marked_processes(mark)));
    test::kill_marked(mark);
  }
}

TEST_CASE("a tree that could not be found for want of descriptors is not started") {
  const auto result = test::sigtimeout(
      tree({"5", "echo", "started"}),
      {.environment = {}, .before_exec = [] { limit_descriptors(12); }, .argv0 = {}});
  CHECK(result.status == exit_status::exited(125));
  CHECK(result.out.empty());
  CHECK(result.err == "sigtimeout: finding what the command starts needs a limit of 24 open files, "
                      "and it is 12: Too many open files\n");
}

TEST_CASE("a command that leaves the group all the time gets the signal and is not left stopped") {
  for (int i = 0; i < 40; ++i) {
    const auto result =
        test::run({test::program("sigtimeout"), ".05", test::program("probe"), "wander"});
    REQUIRE(result.status == exit_status::exited(124));
  }
}

TEST_CASE("where the process in between is killed the command is ended, and it is an error") {
  const std::string mark = test::new_mark();
  test::child running({"bash", "-c",
                       "sleep 1000 >&- 2>&- & echo child $!; exec env " + mark + " " +
                           test::program("sigtimeout") +
                           " --tree 1000 sh -c 'trap \"\" TERM; trap \"echo up\" USR1; echo ready;"
                           "while :; do sleep .01; done'"});
  const pid_t other = std::stoi(running.wait_for_line("child").substr(6));
  running.wait_for_line("ready");
  ::kill(running.pid(), SIGUSR1); // is forwarded once the command is watched
  running.wait_for_line("up");
  const auto children = sigkit::descendants(running.pid());
  for (const sigkit::process_facts& facts : children)
    if (facts.name == "sigtimeout") ::kill(facts.pid, SIGKILL);
  CHECK(running.finish() == exit_status::exited(125));
  CHECK(running.err().find("the process that reaps was killed") != std::string::npos);
  CHECK(test::eventually([&] { return test::marked_processes(mark).empty(); }));
  ::kill(other, SIGKILL);
}

TEST_CASE("the process in between cannot be stopped, and hands on what is sent to it") {
  CHECK(in_between(".5 sh -c 'kill -STOP $PPID; sleep 1000; :'").status ==
        exit_status::exited(124));
  const auto terminated = in_between("-v 1000 sh -c 'kill -TERM $PPID; sleep 1000; :'");
  CHECK(terminated.status == exit_status::killed(sigkit::sigterm));
  CHECK(terminated.err.find("received signal TERM from PID ") != std::string::npos);
}
