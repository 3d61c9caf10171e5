#include <doctest/doctest.h>

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <ctime>

#include <sigkit/wall_time.hpp>

#include "cli/sigtimeout.hpp"
#include "support/timing.hpp"

using sigkit::exit_status;
using test::sigtimeout;
using namespace std::chrono_literals;

namespace {
const std::string probe = test::program("probe");
} // namespace

TEST_CASE("a command that writes nothing is ended, and it is said why") {
  const auto result = sigtimeout({"--idle", ".2", "1000", "sh", "-c", "echo one; sleep 1000"});
  CHECK(result.status == exit_status::exited(124));
  CHECK(result.out == "one\n");
  CHECK(result.err == "sigtimeout: no output for 200ms: ending command 'sh'\n");
}

TEST_CASE("a command that goes on writing, to either, is not idle") {
  // Each line comes long before the limit, and all of them take longer than it.
  const auto result = sigtimeout({"--idle", "2", "1000", "sh", "-c",
                                  "for i in 1 2 3 4 5 6; do sleep .5; echo $i; sleep .1;"
                                  "echo e$i >&2; done; exit 3"});
  CHECK(result.status == exit_status::exited(3));
  CHECK(result.out == "1\n2\n3\n4\n5\n6\n");
  CHECK(result.err == "e1\ne2\ne3\ne4\ne5\ne6\n");
}

TEST_CASE("the clock of --idle stands still while the job is stopped") {
  test::child running(
      test::sigtimeout_words({"--idle", "1", "1000", "sh", "-c", "echo $$; exec sleep 1000"}));
  const pid_t command = std::stoi(running.wait_for_line(""));
  ::kill(command, SIGSTOP);
  ::poll(nullptr, 0, 1500); // what must not count
  CHECK(::kill(command, 0) == 0);
  CHECK(running.err().empty());
  ::kill(command, SIGCONT);
  CHECK(running.finish() == exit_status::exited(124));
}

TEST_CASE("--idle and the limit: the one that is reached first names the outcome") {
  const auto limit = sigtimeout({"--idle", "100", ".1", "sleep", "1000"});
  CHECK(limit.status == exit_status::exited(124));
  CHECK(limit.err.empty());
}

TEST_CASE("processor time is a limit, over all descendants and what they reaped") {
  for (const char* scope : {"--scope=group", "--tree"}) {
    const auto busy = sigtimeout({scope, "--cpu", ".3", "1000", "sh", "-c", "while :; do :; done"});
    CHECK(busy.status == exit_status::exited(124));
    CHECK(busy.err == "sigtimeout: 300ms of processor time used: ending command 'sh'\n");
  }
  const auto children =
      test::sigtimeout_job({"--tree", "--cpu", ".5", "1000", "sh", "-c",
                            "while :; do sh -c 'i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done';"
                            "done & wait"});
  CHECK(children.status == exit_status::exited(124));
  CHECK_MESSAGE(children.left.empty(), test::joined(children.left));
  const auto orphans = sigtimeout(
      {"--cpu", ".5", "1000", "sh", "-c",
       "while :; do (sh -c 'i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done' &); sleep .01; done"});
  CHECK(orphans.status == exit_status::exited(124));
  CHECK(orphans.err.find("processor time") != std::string::npos);
}

TEST_CASE("who sleeps uses no processor time") {
  const auto result = sigtimeout({"--cpu", "5", "1000", "sh", "-c", "sleep .3; exit 4"});
  CHECK(result.status == exit_status::exited(4));
}

TEST_CASE("a time of the wall clock is a limit") {
  const auto soon = sigkit::to_rfc3339(std::chrono::system_clock::now() + 3s);
  const auto result = sigtimeout({"--until", soon, "0", "sleep", "1000"});
  CHECK(result.status == exit_status::exited(124));
  CHECK(result.err == "sigtimeout: the time of --until has come: ending command 'sleep'\n");
  const auto later = sigkit::to_rfc3339(std::chrono::system_clock::now() + 1h);
  CHECK(sigtimeout({"--until", later, "0", "true"}).status == exit_status::exited(0));
  CHECK(sigtimeout({"--until", later, ".1", "sleep", "1000"}).err.empty());
}

TEST_CASE("a time of day is the next such time") {
  const auto state =
      sigtimeout({"--until", "00:00", "--heartbeat", ".1", "0", "sh", "-c", "sleep .35; exit 5"},
                 {.environment = {"TZ=UTC"}, .before_exec = {}, .argv0 = {}});
  CHECK(state.status == exit_status::exited(5));
  CHECK(state.err.find(" left\n") != std::string::npos);
}

TEST_CASE("another status in place of 124, but not in place of 137 or of the command's") {
  const std::string option = "--timeout-status=42";
  CHECK(sigtimeout({option, ".1", "sleep", "1000"}).status == exit_status::exited(42));
  CHECK(sigtimeout({option, "-s", "KILL", ".1", "sleep", "1000"}).status ==
        exit_status::exited(137));
  CHECK(sigtimeout({option, "-p", ".1", "sleep", "1000"}).status == exit_status::exited(143));
  CHECK(sigtimeout({option, "1000", "sh", "-c", "exit 6"}).status == exit_status::exited(6));
  CHECK(sigtimeout({option, "1000", "no-such-program"}).status == exit_status::exited(127));
}

TEST_CASE("a warning comes before the limit, with its signal to the command alone") {
  const auto result = sigtimeout({"--warn", "100:USR1", "--then", "0:KILL", "100.1", "sh", "-c",
                                  "trap 'echo warned; kill -ALRM $PPID' USR1;"
                                  "while :; do sleep .01; done"});
  // Where the shell is slow to set its trap, USR1 ends it.
  if (result.status == exit_status::killed(sigkit::sigusr1)) return;
  const int status = result.status.exit_code().value_or(-1);
  CHECK((status == 137 || status == 124)); // TERM may end it before KILL does
  CHECK(result.out == "warned\n");
  CHECK(result.err.starts_with("sigtimeout: command 'sh' has "));
  CHECK(result.err.find(" left\n") != std::string::npos);
}

TEST_CASE("a warning that is due before the start comes at once, and without a signal says only") {
  const auto result = sigtimeout({"--warn", "2000", "1000", "sh", "-c", "sleep 1; exit 3"});
  CHECK(result.status == exit_status::exited(3));
  CHECK(result.err == "sigtimeout: command 'sh' has 16m40s left\n");
}

TEST_CASE("a heartbeat says the time gone and left") {
  const auto result = sigtimeout({"--heartbeat", ".2", "1000", "sh", "-c", "sleep .7; echo done"});
  CHECK(result.status == exit_status::exited(0));
  CHECK(result.out == "done\n");
  CHECK(result.err.starts_with("sigtimeout: command 'sh' is running: "));
  CHECK(result.err.find(" gone, 16m40s left\n") != std::string::npos);
  const auto endless = sigtimeout({"--heartbeat", ".2", "0", "sleep", ".5"});
  CHECK(endless.err.find(" left") == std::string::npos);
  CHECK(endless.err.find(" gone\n") != std::string::npos);
}

TEST_CASE("ALRM reaches the limit at once, and then each step") {
  test::child running(test::sigtimeout_words(
      {"--then", "1000:USR2", "--then", "1000:KILL", "-s", "USR1", "1000", probe, "catch"}));
  running.wait_for_line("ready");
  ::kill(running.pid(), SIGALRM);
  running.wait_for_line("got USR1");
  ::kill(running.pid(), SIGALRM);
  running.wait_for_line("got USR2");
  ::kill(running.pid(), SIGALRM);
  CHECK(running.finish() == exit_status::exited(137));
}

TEST_CASE("a ladder also runs after a signal from outside, where there is no limit") {
  test::child running(test::sigtimeout_words({"-k", ".1", "0", probe, "catch"}));
  running.wait_for_line("ready");
  ::kill(running.pid(), SIGTERM);
  CHECK(running.finish() == exit_status::killed(sigkit::sigkill));
}

TEST_CASE("a limit that is reached during the ladder of another signal comes after it") {
  test::child running(
      test::sigtimeout_words({"--then", "1000:USR2", "1000", probe, "catch", "TERM:0"}));
  running.wait_for_line("ready");
  ::kill(running.pid(), SIGUSR1);
  running.wait_for_line("got USR1");
  ::kill(running.pid(), SIGALRM); // the ladder's next step
  running.wait_for_line("got USR2");
  ::kill(running.pid(), SIGALRM); // the limit
  running.wait_for_line("got TERM");
  CHECK(running.finish() == exit_status::exited(124));
}

TEST_CASE("a limit that passes meanwhile is not forgotten") {
  const auto result = sigtimeout({"--then", "2:USR2", "1", "sh", "-c",
                                  "trap 'echo USR1' USR1; trap 'echo USR2' USR2;"
                                  "trap 'echo TERM; exit 0' TERM;"
                                  "kill -USR1 $PPID; while :; do sleep .01; done"});
  CHECK(result.status == exit_status::exited(124));
  CHECK(result.out == "USR1\nUSR2\nTERM\n");
}

#if !SIGKIT_TESTS_SANITIZED // with it, checks of memory need descriptors
TEST_CASE("a sender that cannot be looked up for want of descriptors is still forwarded") {
  const auto result =
      test::run({"sh", "-c",
                 "exec 3>&- 4>&- 5>&- 6>&-; ulimit -n 5; exec " + test::program("sigtimeout") +
                     " -v 1000 sh -c 'kill -TERM $PPID; sleep 1000; :'"});
  CHECK(result.status == exit_status::killed(sigkit::sigterm));
  CHECK(result.err.find("received signal TERM from PID ") != std::string::npos);
}
#endif

TEST_CASE("with -k 0 there is no KILL") {
  test::child running(test::sigtimeout_words({"-k", "0", "1000", probe, "catch", "USR1:0"}));
  running.wait_for_line("ready");
  ::kill(running.pid(), SIGALRM);
  running.wait_for_line("got TERM");
  ::kill(running.pid(), SIGALRM);
  running.wait_for_line("got TERM"); // the limit again: there is no next step
  ::kill(running.pid(), SIGUSR1);
  CHECK(running.finish() == exit_status::exited(124));
}

TEST_CASE("in a cgroup the kernel counts the processor time") {
  const auto result =
      sigtimeout({"--scope=cgroup", "--cpu", ".3", "1000", "sh", "-c",
                  "while :; do sh -c 'i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done'; done"});
  if (result.status == exit_status::exited(125)) SKIP("no cgroup can be made here");
  CHECK(result.status == exit_status::exited(124));
  CHECK(result.err == "sigtimeout: 300ms of processor time used: ending command 'sh'\n");
}

#if !SIGKIT_TESTS_SANITIZED // they want to be loaded first
TEST_CASE("the clock being set is followed") {
  const test::temporary_directory directory;
  const std::string fifo = directory.path() + "/set";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  const auto in_half_an_hour = std::chrono::system_clock::now() + 30min;
  test::child running(
      test::sigtimeout_words({"--until", sigkit::to_rfc3339(in_half_an_hour), "0", "sh", "-c",
                              "unset LD_PRELOAD; echo ready; exec sleep 1000"}),
      {.environment = {"LD_PRELOAD=" SIGKIT_TEST_CLOCK, "SIGKIT_CLOCK_FIFO=" + fifo},
       .before_exec = {},
       .argv0 = {}});
  running.wait_for_line("ready");
  std::ofstream(fifo) << "is set!!";
  CHECK(running.finish() == exit_status::exited(124));
  CHECK(running.err() == "sigtimeout: the time of --until has come: ending command 'sh'\n");
}
#endif
