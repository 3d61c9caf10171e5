#include <doctest/doctest.h>

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>

#include <sigkit/process.hpp>

#include "cli/sigtimeout.hpp"
#include "support/timing.hpp"

using sigkit::exit_status;
using test::sigtimeout;
using namespace std::chrono_literals;

#define SCOPES "process, group, session, tree, cgroup, namespace, auto"

namespace {

constexpr const char* help_hint = "Try 'sigtimeout --help' for more information.\n";

} // namespace

TEST_CASE("bad usage is said, is 125, and starts nothing") {
  const std::string mark = test::new_mark();
  for (const auto& [arguments, message] :
       std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{}, "missing operand"},
           {{"5"}, "missing command"},
           {{"x", "sleep", "9"}, "invalid time interval 'x'"},
           {{"--", "-1", "sleep", "9"}, "invalid time interval '-1'"},
           {{"-1", "sleep", "9"}, "invalid option -- '1'"},
           {{"-k", "x", "5", "sleep", "9"}, "invalid time interval 'x'"},
           {{"-s", "FOO", "5", "sleep", "9"}, "'FOO': invalid signal"},
           {{"-s", "65", "5", "sleep", "9"}, "'65': invalid signal"},
           {{"--scope=moon", "5", "sleep", "9"}, "invalid scope 'moon' (" SCOPES ")"},
           {{"--then", "5", "5", "sleep", "9"},
            "invalid step '5': a step is DUR:SIG or DUR:SIG@SCOPE"},
           {{"--then=1:TERM@x", "5", "sleep", "9"},
            "invalid step '1:TERM@x': invalid scope 'x' (" SCOPES ")"},
           {{"--nonsense", "5", "sleep", "9"}, "unrecognized option '--nonsense'"},
           {{"--tree=yes", "5", "sleep", "9"}, "option '--tree' doesn't allow an argument"},
           {{"-z", "5", "sleep", "9"}, "invalid option -- 'z'"},
           {{"--signal=", "5", "sleep", "9"}, "option '--signal': the value is empty"},
           {{"--idle", "x", "5", "sleep", "9"}, "invalid time interval 'x' for --idle"},
           {{"--cpu=-1", "5", "sleep", "9"}, "invalid time interval '-1' for --cpu"},
           {{"--warn=x:TERM", "5", "sleep", "9"}, "invalid time interval 'x' for --warn"},
           {{"--warn=1:FOO", "5", "sleep", "9"}, "'FOO': invalid signal for --warn"},
           {{"--scope=namespace", "--orphans=leave", "5", "sleep", "9"},
            "nothing can be left of a namespace: --orphans=leave"},
           {{"--heartbeat=", "5", "sleep", "9"}, "option '--heartbeat': the value is empty"},
           {{"--on-timeout=", "5", "sleep", "9"}, "option '--on-timeout': the value is empty"},
           {{"--on-timeout-limit=x", "5", "sleep", "9"},
            "invalid time interval 'x' for --on-timeout-limit"},
           {{"--until=25:00", "5", "sleep", "9"},
            "invalid time '25:00' for --until (HH:MM, HH:MM:SS, or as 2030-12-31T23:59:59Z)"},
           {{"--until=2001-01-01T00:00:00Z", "5", "sleep", "9"},
            "the time '2001-01-01T00:00:00Z' for --until is in the past"},
           {{"--timeout-status=256", "5", "sleep", "9"},
            "invalid status '256' for --timeout-status (0 to 255)"},
           {{"--timeout-status=1x", "5", "sleep", "9"},
            "invalid status '1x' for --timeout-status (0 to 255)"},
           {{"--orphans=eat", "5", "sleep", "9"},
            "invalid value 'eat' for --orphans (leave, wait, kill)"},
           {{"--preset=moon", "5", "sleep", "9"},
            "invalid preset 'moon'; --preset=help lists them"},
           {{"--preset=docker", "-k", "1", "5", "sleep", "9"},
            "options --kill-after and --preset exclude each other"},
           {{"--then=1:KILL@namespace", "5", "sleep", "9"},
            "a step over a namespace needs --scope=namespace"},
           {{"--diagnose=", "5", "sleep", "9"}, "option '--diagnose': the value is empty"},
           {{"--report"}, "option '--report' requires an argument"},
           {{"--pty=yes", "5", "sleep", "9"}, "option '--pty' doesn't allow an argument"},
           {{"-k"}, "option requires an argument -- 'k'"}}) {
    const auto result =
        sigtimeout(arguments, {.environment = {mark}, .before_exec = {}, .argv0 = {}});
    CHECK(result.status == exit_status::exited(125));
    CHECK(result.err == "sigtimeout: " + message + "\n" + help_hint);
    CHECK(result.out.empty());
  }
  CHECK(test::marked_processes(mark).empty());
}

TEST_CASE("a command that cannot be run is said by the contract's status") {
  for (const char* scope : {"process", "group", "session", "tree"}) {
    const std::string option = std::string("--scope=") + scope;
    const auto missing = sigtimeout({option, "5", "no-such-program"});
    CHECK(missing.status == exit_status::exited(127));
    CHECK(missing.err == "sigtimeout: failed to run command 'no-such-program': "
                         "No such file or directory\n");
    const auto directory = sigtimeout({option, "5", "/tmp"});
    CHECK(directory.status == exit_status::exited(126));
    CHECK(directory.err == "sigtimeout: failed to run command '/tmp': Permission denied\n");
    CHECK(sigtimeout({option, "5", "/etc/passwd"}).status == exit_status::exited(126));
    CHECK(sigtimeout({option, "5", ""}).status == exit_status::exited(127));
  }
}

TEST_CASE("the name of a command is escaped where it is said") {
  const auto result = sigtimeout({"5", "no\x1b[2Jprogram"});
  CHECK(result.err.find("'no\\x1b[2Jprogram'") != std::string::npos);
}

TEST_CASE("as sigtimeout, KILL after a limit is an exit of 137") {
  CHECK(sigtimeout({"-s", "KILL", ".1", "sleep", "1000"}).status == exit_status::exited(137));
  CHECK(sigtimeout({"-k.1", ".1", test::program("probe"), "ignore", "TERM"}).status ==
        exit_status::exited(137));
  CHECK(sigtimeout({"--tree", "-p", "-s", "KILL", ".1", "sleep", "1000"}).status ==
        exit_status::exited(137));
}

TEST_CASE("KILL to other members of the tree changes nothing about the status") {
  const test::temporary_directory directory;
  const auto result =
      sigtimeout({"--tree", "--then", "100ms:KILL", "1000", "sh", "-c",
                  "mkfifo $1/ready; $0 ignore TERM >$1/ready & trap 'exit 3' TERM;"
                  "read line <$1/ready; kill -ALRM $PPID; while :; do sleep .01; done",
                  test::program("probe"), directory.path()});
  CHECK(result.status == exit_status::exited(124));
}

TEST_CASE("a ladder is climbed step by step") {
  const auto result =
      sigtimeout({"-v", "--scope=process", "-s", "USR1", "--then", "50ms:USR2", "--then",
                  "50ms:HUP@process", "--then", "100:KILL", "1000", "sh", "-c",
                  "trap 'echo USR1' USR1; trap 'echo USR2' USR2; trap 'echo HUP; exit 0' HUP;"
                  "kill -ALRM $PPID; while :; do sleep .01; done"});
  CHECK(result.status == exit_status::exited(124));
  CHECK(result.out == "USR1\nUSR2\nHUP\n");
  const std::size_t first = result.err.find("sigtimeout: sending");
  CHECK(result.err.starts_with("sigtimeout: received signal ALRM from PID "));
  CHECK(result.err.substr(first) == "sigtimeout: sending signal USR1 to command 'sh'\n"
                                    "sigtimeout: sending signal USR2 to command 'sh'\n"
                                    "sigtimeout: sending signal HUP to command 'sh'\n");
}

TEST_CASE("a signal from outside is said with its sender") {
  test::child running(
      test::sigtimeout_words({"-v", "1000", test::program("probe"), "catch", "USR1:0"}));
  running.wait_for_line("ready");
  ::kill(running.pid(), SIGUSR1);
  CHECK(running.finish() == exit_status::exited(0));
  CHECK(running.err().find("sigtimeout: received signal USR1 from PID " +
                           std::to_string(::getpid()) + " (") == 0);
  CHECK(running.err().find("sigtimeout: sending signal USR1 to command '") != std::string::npos);
}

TEST_CASE("scope process reaches the one process") {
  const std::string mark = test::new_mark();
  const auto result =
      sigtimeout({"--scope=process", ".2", "sh", "-c", "sleep 1000 >&- 2>&- & wait"},
                 {.environment = {mark}, .before_exec = {}, .argv0 = {}});
  CHECK(result.status == exit_status::exited(124));
  CHECK(test::marked_processes(mark).size() == 1);
  test::kill_marked(mark);
}

TEST_CASE("scope session reaches every group of a session of its own, and no other session") {
  const std::string mark = test::new_mark();
  const test::temporary_directory directory;
  const auto result = sigtimeout({"--scope=session", "1000", "bash", "-c",
                                  "set -m; mkfifo $0/ready; sleep 1000 & sleep 1001 &"
                                  "setsid sh -c 'echo up >$0/ready; exec sleep 1002 >&- 2>&-' $0 &"
                                  "read line <$0/ready; kill -ALRM $PPID; wait",
                                  directory.path()},
                                 {.environment = {mark}, .before_exec = {}, .argv0 = {}});
  CHECK(result.status == exit_status::exited(124));
  CHECK(test::eventually([&] { return test::marked_processes(mark).size() == 1; }));
  test::kill_marked(mark);
}

TEST_CASE("the command is in a group with sigtimeout, or in its own with a session") {
  const std::string reporter = test::program("probe");
  CHECK(sigtimeout({"5", reporter, "report"}).out.find("does not lead its group") !=
        std::string::npos);
  CHECK(sigtimeout({"--scope=session", "5", reporter, "report"}).out.find("\nleads its session") !=
        std::string::npos);
}

TEST_CASE("standard streams and arguments reach the command as they are") {
  CHECK(sigtimeout({"5", "sh", "-c", "echo \"$1|$2\"; echo err >&2", "sh", "a b", "--tree"}).out ==
        "a b|--tree\n");
  CHECK(sigtimeout({"5", "cat"}).status == exit_status::exited(0));
}

TEST_CASE("a tree needs a proc that shows this PID namespace, before anything starts") {
  if (::geteuid() != 0) SKIP("only root can make a PID namespace without a user namespace");
  const auto result = test::run({"unshare", "--pid", "--fork", test::program("sigtimeout"),
                                 "--tree", "5", "echo", "started"});
  if (result.err.find("unshare") != std::string::npos) SKIP("no PID namespace can be made here");
  CHECK(result.status == exit_status::exited(125));
  CHECK(result.out.empty());
  CHECK(result.err == "sigtimeout: finding what the command starts: /proc does not show this PID "
                      "namespace: No such file or directory\n");
  CHECK(test::run({"unshare", "--pid", "--fork", test::program("sigtimeout"), "5", "echo", "ok"})
            .out == "ok\n");
}

TEST_CASE("no descriptor but the standard ones reaches the command") {
  const std::string script = "for n in 3 4 5 6 7 8 9; do test -e /proc/$$/fd/$n && echo $n; done";
  CHECK(
      sigtimeout({"--tree", "5", "sh", "-c", script},
                 {.environment = {}, .before_exec = [] { ::close_range(3, ~0U, 0); }, .argv0 = {}})
          .out.empty());
}

TEST_CASE("the last of --tree and --scope counts") {
  CHECK(sigtimeout({"--tree", "--scope=process", "-v", ".1", "sleep", "1000"}).err ==
        "sigtimeout: sending signal TERM to command 'sleep'\n");
  CHECK(sigtimeout({"--scope=process", "--tree", "-v", ".1", "sleep", "1000"}).err ==
        "sigtimeout: sending signal TERM to the tree of command 'sleep'\n");
}

TEST_CASE("as PID 1 the limit holds over the group, which is not everyone") {
  if (::geteuid() != 0) SKIP("only root can make a PID namespace without a user namespace");
  for (const char* signal : {"TERM", "KILL"}) {
    const auto result = test::run({"unshare", "--pid", "--fork", "--mount-proc", "setsid", "-w",
                                   test::program("sigtimeout"), "-s", signal, ".1", "sh", "-c",
                                   "trap '' HUP; sleep 1000; :"});
    if (result.err.find("unshare") != std::string::npos) SKIP("no PID namespace can be made here");
    CHECK(result.status == exit_status::exited(signal == std::string("TERM") ? 124 : 137));
  }
  const auto direct = test::run({"unshare", "--pid", "--fork", "--mount-proc",
                                 test::program("sigtimeout"), ".1", "sleep", "1000"});
  CHECK(direct.status == exit_status::exited(124));
}

TEST_CASE("KILL reaches the command although there is no group to go to and no proc") {
  if (::geteuid() != 0) SKIP("only root can make a PID namespace without a user namespace");
  const test::stopwatch watch;
  const auto result =
      test::run({"unshare", "--pid", "--fork", "--kill-child", "sh", "-c",
                 "setsid -w " + test::program("sigtimeout") + " -s KILL .1 sleep 15; echo $?"});
  if (result.err.find("unshare") != std::string::npos) SKIP("no PID namespace can be made here");
  CHECK(result.out == "137\n");
  CHECK(watch.less_than(10s));
}

TEST_CASE("the C library's own signals can be sent, and their mask is handed on") {
  CHECK(sigtimeout({"-s", "33", ".1", "sleep", "1000"}).status == exit_status::exited(124));
  const auto report = sigtimeout({"5", test::program("probe"), "report"},
                                 {.environment = {},
                                  .before_exec =
                                      [] {
                                        const std::uint64_t both = 0x180000000;
                                        ::syscall(SYS_rt_sigprocmask, SIG_BLOCK, &both, nullptr, 8);
                                      },
                                  .argv0 = {}});
  CHECK(report.out.find("blocked 32,33\n") != std::string::npos);
}

TEST_CASE("ALRM while the ladder runs brings its next step at once") {
  test::child running(
      test::sigtimeout_words({"-k", "1000", "1000", test::program("probe"), "ignore", "TERM"}));
  running.wait_for_line("ready");
  ::kill(running.pid(), SIGALRM);
  REQUIRE(test::eventually([&] {
    ::kill(running.pid(), SIGALRM);
    return sigkit::read_process(running.pid())->state == 'Z';
  }));
  CHECK(running.finish() == exit_status::exited(137));
}

TEST_CASE("in the terminal's foreground the group includes those whose parent has died") {
  const std::string mark = test::new_mark();
  const auto result =
      test::run({"script", "-qec",
                 test::program("sigtimeout") +
                     " .3 sh -c '(sleep 1000 &); (setsid sleep 1001 &); sleep 1000'",
                 "/dev/null"},
                {.environment = {mark}, .before_exec = {}, .argv0 = {}});
  CHECK(result.status == exit_status::exited(124));
  const auto left = test::marked_processes(mark);
  CHECK(left.size() == 1); // the one in a session of its own
  test::kill_marked(mark);
}
