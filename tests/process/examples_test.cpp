#include <doctest/doctest.h>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/child.hpp"

using namespace sigkit;

namespace {

std::string example(const std::string& name) {
  return std::string(SIGKIT_EXAMPLES_DIR) + '/' + name;
}

/// A shell whose standard input stays open, so that a program in it can wait for more.
bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("example: USR1 and USR2 are received with their sender, INT ends it") {
  test::child program({example("receive")});
  program.wait_for_line("waiting...");
  ::kill(program.pid(), SIGUSR1);
  const std::string sender =
      ", from process " + std::to_string(::getpid()) + " of user " + std::to_string(::getuid());
  program.wait_for_line("received: USR1" + sender);
  ::kill(program.pid(), SIGUSR2);
  program.wait_for_line("received: USR2" + sender);
  ::kill(program.pid(), SIGINT);
  program.wait_for_line("interrupted");
  CHECK(program.finish() == exit_status::exited(0));
}

TEST_CASE("example: every signal is listed with its handler") {
  const test::run_result result = test::run({example("list_handlers")});
  CHECK(result.status == exit_status::exited(0));
  CHECK(std::count(result.out.begin(), result.out.end(), '\n') == 62);
  CHECK(has(result.out, "HUP       ( 1): default action\n"));
  CHECK(has(result.out, "INT       ( 2): a handler of this program\n"));
  CHECK(has(result.out, "KILL      ( 9): default action\n"));
  CHECK(has(result.out, "PIPE      (13): ignored\n"));
  CHECK(has(result.out, "ALRM      (14): a handler of this program\n"));
  CHECK(has(result.out, "RTMIN+1   (35): default action\n"));
  const test::run_result in_background =
      test::run({example("list_handlers")},
                {.environment = {}, .before_exec = [] { ::signal(SIGINT, SIG_IGN); }, .argv0 = {}});
  CHECK(has(in_background.out, "INT       ( 2): ignored\n"));
}

TEST_CASE("example: a sleep goes on for what is left after an alarm") {
  const test::run_result result = test::run({example("alarm_during_sleep")});
  CHECK(result.status == exit_status::exited(0));
  const std::size_t before = result.out.find("before\n");
  const std::size_t alarm = result.out.find("alarm:  after ");
  const std::size_t after = result.out.find("after:  ");
  CHECK(before < alarm);
  CHECK(alarm < after);
  CHECK(std::stoi(result.out.substr(alarm + 14)) >= 200);
  CHECK(std::stoi(result.out.substr(after + 8)) >= 600);
}

TEST_CASE("example: INT is ignored, USR1 leaves") {
  test::child program({example("ignore_and_leave")});
  program.wait_for_line("my PID is " + std::to_string(program.pid()));
  ::kill(program.pid(), SIGINT);
  ::kill(program.pid(), SIGINT);
  ::kill(program.pid(), SIGUSR1);
  program.wait_for_line("leaving");
  CHECK(program.finish() == exit_status::exited(0));
}

TEST_CASE("example: a handler runs in the main thread although another one waits") {
  const test::run_result result = test::run({example("signals_and_threads")});
  CHECK(result.status == exit_status::exited(0));
  for (const char* line :
       {"waiting for a signal in another thread\n", "sending in another thread\n",
        "received USR1 in the main thread\n", "done waiting: nothing came\n"})
    CHECK_MESSAGE(has(result.out, line), result.out);
}

TEST_CASE("example: an alarm set in another thread rings in the main one") {
  const test::run_result result = test::run({example("alarm_in_a_thread")});
  CHECK(result.status == exit_status::exited(0));
  CHECK(result.out == "setting an alarm in the alarm thread\n"
                      "alarm in the main thread\n"
                      "done with the sleep in the alarm thread\n"
                      "exiting normally\n");
}

TEST_CASE("example: an open that hangs is ended by an alarm whose handler throws") {
  const test::temporary_directory directory;
  const std::string fifo = directory.path() + "/device";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  const test::run_result hangs = test::run({example("open_with_a_limit"), fifo, "200ms"});
  CHECK(hangs.status == exit_status::exited(1));
  CHECK(hangs.out == "handler called with signal ALRM\nthe device could not be opened in time\n");
  const test::run_result opens = test::run({example("open_with_a_limit"), "/dev/null", "5"});
  CHECK(opens.out == "opened\n");
}

TEST_CASE("example: the wake-up descriptor wakes a poll loop of the program's own") {
  test::child program({"/bin/sh", "-c", "sleep 1000 | exec \"$0\"", example("wakeup_descriptor")},
                      {.environment = {}, .before_exec = [] { ::setpgid(0, 0); }, .argv0 = {}});
  const std::string line = program.wait_for_line("my PID is ");
  const pid_t pid = std::stoi(line.substr(10));
  for (int i = 0; i < 3; ++i) {
    ::kill(pid, SIGUSR1);
    program.wait_for_line("USR1 from process " + std::to_string(::getpid()));
  }
  ::kill(pid, SIGTERM);
  program.wait_for_line("ended by TERM");
  ::kill(-program.pid(), SIGKILL);
  program.finish();
  const test::run_result input =
      test::run({"/bin/sh", "-c", "echo hello | \"$0\"", example("wakeup_descriptor")});
  CHECK(has(input.out, "6 bytes of input\nend of input\n"));
}

TEST_CASE("example: a command is limited in a few lines") {
  const std::string mark = test::new_mark();
  const test::run_result limited =
      test::run({example("limit_a_command"), "sh", "-c", "(setsid sleep 1000 &); sleep 1000"},
                {.environment = {mark}, .before_exec = {}, .argv0 = {}});
  CHECK(limited.out == "sending TERM to the tree\ntimed out: killed by SIGTERM\n");
  CHECK(test::marked_processes(mark).empty());
  CHECK(test::run({example("limit_a_command"), "sh", "-c", "exit 3"}).out == "ended: exited 3\n");
  const test::run_result unknown = test::run({example("limit_a_command"), "/nonexistent"});
  CHECK(unknown.status == exit_status::exited(127));
  CHECK(unknown.err == "/nonexistent: No such file or directory\n");
  CHECK(test::run({example("limit_a_command"), "/"}).status == exit_status::exited(126));
  CHECK(has(test::run({example("limit_a_command")}).err, "usage: "));
}

TEST_CASE("example: a program stands in for a command") {
  test::child running({example("stand_in"), test::program("probe"), "catch", "INT:4"});
  running.wait_for_line("ready");
  ::kill(running.pid(), SIGHUP);
  ::kill(running.pid(), SIGUSR1);
  running.wait_for_line("got USR1");
  ::kill(running.pid(), SIGTERM);
  CHECK(running.finish() == exit_status::exited(4));
  CHECK_FALSE(has(running.out(), "got HUP"));
  CHECK(running.err() == "HUP came\nUSR1 came\nTERM came\nexited 4\n");
  CHECK(test::run({example("stand_in"), "/nonexistent"}).status == exit_status::exited(127));
}
