// What sigtrap does when a signal comes, and when the command has ended.
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "cli/sigtrap.hpp"

using namespace test;

namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

TEST_CASE("a shell's action is told what came") {
  trapped job({"--on",
               "USR1=echo $SIGTRAP_SIGNAL $SIGTRAP_SENDER_PID $SIGTRAP_SENDER_UID "
               "$SIGTRAP_COMMAND_PID ${SIGTRAP_VALUE-none} ${SIGTRAP_STATUS-none}",
               "--on", "RTMIN+1=echo $SIGTRAP_SIGNAL $SIGTRAP_VALUE"},
              {"catch", "TERM:0"},
              {.environment = {"SIGTRAP_VALUE=inherited"}, .before_exec = {}, .argv0 = {}});
  job.send(SIGUSR1);
  CHECK(job.wait_for_line("USR1") == "USR1 " + std::to_string(::getpid()) + " " +
                                         std::to_string(::getuid()) + " " +
                                         std::to_string(job.command()) + " none none");
  job.queue(SIGRTMIN + 1, -5);
  CHECK(job.wait_for_line("RTMIN+1") == "RTMIN+1 -5");
  job.send(SIGTERM);
  CHECK(job.finish() == exit_status::exited(0));
  CHECK_FALSE(contains(job.out(), "got USR1"));
}

TEST_CASE("the actions of a signal are done in order, and -r is one of them") {
  trapped job({"--on", "USR1=echo first", "-r", "USR1:HUP", "--on=USR1=echo third", "--on",
               "USR1=@forward", "--on", "usr1,TERM=echo last"},
              {"catch", "USR1:4"});
  job.send(SIGUSR1);
  CHECK(job.finish() == exit_status::exited(4));
  const std::string& out = job.out();
  const auto place = [&](const char* line) { return ("\n" + out).find(std::string("\n") + line); };
  CHECK(place("first\n") < place("third\n"));
  CHECK(place("third\n") < place("last\n"));
  CHECK(place("got HUP\n") < place("got USR1\n"));
  CHECK(place("got USR1\n") != std::string::npos);
}

TEST_CASE("what is built in: drop, send, exit, kill") {
  {
    trapped job({"--on", "USR1=@drop", "-r", "HUP:0", "--on", "USR2=@send:RTMIN+2"},
                {"catch", "TERM:7"});
    job.send(SIGUSR1);
    job.send(SIGHUP);
    job.send(SIGUSR2);
    job.wait_for_line("got RTMIN+2");
    job.send(SIGTERM);
    CHECK(job.finish() == exit_status::exited(7));
    CHECK_FALSE(contains(job.out(), "got USR"));
    CHECK_FALSE(contains(job.out(), "got HUP"));
  }
  {
    trapped job({"--on", "USR1=@exit:3"}, {"catch", "TERM:7"});
    job.send(SIGUSR1);
    CHECK(job.finish() == exit_status::exited(3));
    CHECK(contains(job.out(), "got TERM"));
  }
  {
    trapped job({"--on", "USR1=@exit:0", "--then", "0:KILL"}, {"ignore", "TERM"});
    job.send(SIGUSR1);
    CHECK(job.finish() == exit_status::exited(0));
    CHECK(state_of(job.command()) == '-');
  }
  trapped job({"--on", "USR1=@kill"}, {"ignore", "TERM"});
  job.send(SIGUSR1);
  CHECK(job.finish() == exit_status::killed(sigkit::sigkill));
}

TEST_CASE("@exit ends a command that ignores TERM, with KILL after 5 s") {
  trapped job({"--on", "USR1=@exit:9"}, {"ignore", "TERM"});
  job.send(SIGUSR1);
  CHECK(job.finish() == exit_status::exited(9));
}

TEST_CASE("EXIT is done however the command ended, after ERR where that was not with 0") {
  const std::vector<std::string> traps{"--on", "EXIT=echo exit $SIGTRAP_SIGNAL $SIGTRAP_STATUS",
                                       "--on", "ERR=echo error $SIGTRAP_SIGNAL $SIGTRAP_STATUS"};
  const auto with = [&](std::vector<std::string> words) {
    words.insert(words.begin(), traps.begin(), traps.end());
    return sigtrap(words);
  };
  CHECK(with({"true"}).out == "exit EXIT 0\n");
  CHECK(with({"sh", "-c", "exit 3"}).out == "error ERR 3\nexit EXIT 3\n");
  CHECK(with({"sh", "-c", "exit 3"}).status == exit_status::exited(3));
  const auto killed = with({"sh", "-c", "kill -USR1 $$"});
  CHECK(killed.out == "error ERR 138\nexit EXIT 138\n");
  CHECK(killed.status == exit_status::killed(sigkit::sigusr1));
  CHECK(with({"--remap", "3", "sh", "-c", "exit 3"}).out == "exit EXIT 0\n");
  CHECK(with({"--tree", "sh", "-c", "setsid sleep 1000 & exit 3"}).out ==
        "error ERR 3\nexit EXIT 3\n");
}

TEST_CASE("@exit at the end decides on the status") {
  CHECK(sigtrap({"--on", "ERR=@exit:0", "sh", "-c", "exit 3"}).status == exit_status::exited(0));
  CHECK(sigtrap({"--on", "ERR=@exit:0", "--on", "EXIT=@exit:6", "false"}).status ==
        exit_status::exited(6));
  CHECK(sigtrap({"--on", "ERR=@exit:9", "true"}).status == exit_status::exited(0));
}

TEST_CASE("EXIT comes when nothing is left that was to be ended or waited for") {
  for (const char* how : {"--tree", "--orphans=wait", "--orphans=kill"}) {
    CAPTURE(how);
    const temporary_directory folder;
    const std::string file = folder.path() + "/file";
    const std::string script = "(trap '' TERM; trap 'echo late >" + file +
                               "; exit' INT; sleep .3; echo late >" + file + ") & exit 0";
    const auto result =
        sigtrap({how, "--then=0:KILL", "--on", "EXIT=rm -f " + file, "sh", "-c", script});
    CHECK(result.status == exit_status::exited(0));
    CHECK(text_of(file).empty());
  }
}

TEST_CASE("a second signal waits for the actions of the first, others do not") {
  const temporary_directory folder;
  const std::string fifo = folder.path() + "/go";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  trapped job(
      {"--on", "USR1=echo begin; read go <" + fifo + "; echo end", "--on", "USR2=echo other"},
      {"catch", "TERM:0"});
  job.send(SIGUSR1);
  job.wait_for_line("begin");
  job.send(SIGUSR1);
  job.send(SIGUSR2);
  job.wait_for_line("other"); // by now the second USR1 has been taken
  CHECK(count_lines(job.out(), "begin") == 1);
  std::ofstream(fifo) << "go\n";
  job.wait_for_line("begin");
  CHECK(count_lines(job.out(), "end") == 1);
  std::ofstream(fifo) << "go\n";
  job.wait_for_line("end");
  job.send(SIGTERM);
  CHECK(job.finish() == exit_status::exited(0));
}

TEST_CASE("no queued signal is lost or overtaken while actions run") {
  constexpr int count = 150;
  trapped job({"--on", "RTMIN=echo value $SIGTRAP_VALUE", "--on", "RTMIN=@forward"},
              {"values", "RTMIN"});
  for (int i = 0; i < count; ++i)
    job.queue(SIGRTMIN, i);
  job.queue(SIGRTMIN, -1);
  CHECK(job.finish() == exit_status::exited(0));
  // Each value is said by the action and by the command, the action's first.
  for (int i = -1; i < count; ++i) {
    const std::string line = "value " + std::to_string(i);
    CHECK_MESSAGE(count_lines(job.out(), line) == 2, line);
  }
  std::size_t at = 0;
  for (int i = 0; i < count; ++i) {
    const std::size_t found = ("\n" + job.out()).find("\nvalue " + std::to_string(i) + "\n", at);
    REQUIRE(found != std::string::npos);
    at = found;
  }
}

TEST_CASE("an action that hangs is killed when sigtrap has to leave, and all it has started") {
  const std::string mark = new_mark();
  trapped job({"--on", "USR1=echo begin; sleep 1000; echo never", "--action-limit", "200ms", "--on",
               "EXIT=echo exit"},
              {"catch", "TERM:5"}, {.environment = {mark}, .before_exec = {}, .argv0 = {}});
  job.send(SIGUSR1);
  job.send(SIGUSR1);
  job.wait_for_line("begin");
  job.send(SIGTERM);
  CHECK(job.finish() == exit_status::exited(5));
  CHECK(contains(job.out(), "exit\n"));
  CHECK_FALSE(contains(job.out(), "never"));
  CHECK(contains(job.err(),
                 "sigtrap: the action for USR1 still ran after 200ms from the end: killed\n"));
  CHECK(marked_processes(mark).empty());
  kill_marked(mark);
}

TEST_CASE("an action at the end has its own time, and EXIT follows an ERR that hangs") {
  const auto result = sigtrap({"--action-limit=100ms", "--on", "ERR=sleep 1000", "--on",
                               "EXIT=echo exit; sleep 1000", "false"});
  CHECK(result.status == exit_status::exited(1));
  CHECK(result.out == "exit\n");
  CHECK(result.err == "sigtrap: the action for ERR still ran after 100ms: killed\n"
                      "sigtrap: the action for EXIT still ran after 100ms: killed\n");
}

TEST_CASE("signals that go on coming do not keep sigtrap from leaving") {
  const auto result =
      sigtrap({"--action-limit", "300ms", "--on", "USR1=sleep .01; kill -USR1 $PPID", "--on",
               "EXIT=echo exit", "sh", "-c", "kill -USR1 $PPID; sleep .1; exit 4"});
  CHECK(result.status == exit_status::exited(4));
  CHECK(result.out == "exit\n");
  const auto many = sigtrap({"--action-limit", "300ms", "--on", "RTMIN=sleep .2; sleep .2", "sh",
                             "-c", "for i in 1 2 3 4 5; do kill -34 $PPID; done; exit 5"});
  CHECK(many.status == exit_status::exited(5));
  CHECK(contains(many.err, "sigtrap: signals whose actions were still to come are given up: "));
}

TEST_CASE("an action that is over its limit has no successors") {
  const auto result =
      sigtrap({"-v", "--tree", "--action-limit", "100ms", "--on", "USR1=sleep 1000", "--on",
               "USR1=echo second", "sh", "-c", "kill -USR1 $PPID; sleep .1"});
  CHECK(result.status == exit_status::exited(0));
  CHECK(result.out.empty());
  CHECK(
      contains(result.err, "sigtrap: signals whose actions were still to come are given up: 1\n"));
}

TEST_CASE("actions wait for each other where descriptors are few") {
  const auto result = run({"sh", "-c", "ulimit -n 10; exec \"$@\"", "-", program("sigtrap"), "--on",
                           "USR1=echo one; sleep .1", "--on", "USR2=echo two; sleep .1", "--on",
                           "HUP=echo three; sleep .1", "--on", "INT=echo four; sleep .1", "sh",
                           "-c", "for s in USR1 USR2 HUP INT; do kill -$s $PPID; done; exit 3"});
  CHECK(result.status == exit_status::exited(3));
  CHECK(result.err.empty());
  for (const char* line : {"one", "two", "three", "four"})
    CHECK(count_lines(result.out, line) == 1);
}

TEST_CASE("with no room for an action at all nothing is started") {
  const auto result = run({"sh", "-c", "ulimit -n 6; exec \"$@\"", "-", program("sigtrap"), "--on",
                           "EXIT=echo exit", "echo", "ran"});
  CHECK(result.status == exit_status::exited(125));
  CHECK(result.out.empty());
  CHECK(result.err == "sigtrap: running an action needs a limit of 8 open files, and it is 6: Too "
                      "many open files\n");
}

TEST_CASE("what goes over the tree passes over actions") {
  const temporary_directory folder;
  const std::string file = folder.path() + "/file";
  trapped job({"--tree", "--then", "0:KILL", "--on", "TERM=@forward", "--on",
               "HUP=echo begin; sleep .3; echo end >" + file},
              {"ignore", "TERM"});
  job.send(SIGHUP);
  job.wait_for_line("begin");
  job.send(SIGTERM);
  CHECK(job.finish() == exit_status::killed(sigkit::sigkill));
  CHECK(text_of(file) == "end\n");
}

TEST_CASE("an action does not read what comes for the command, but at the end it may") {
  const temporary_directory folder;
  const std::string input = folder.path() + "/input";
  std::ofstream(input) << "one\ntwo\n";
  const auto result = run({"sh", "-c", "\"$@\" <" + input, "-", program("sigtrap"), "--on",
                           "USR1=read x; echo \"action:$x\"; kill -TERM $SIGTRAP_COMMAND_PID",
                           "--on", "EXIT=read x; echo \"exit:$x\"", "sh", "-c",
                           "trap 'read x; echo \"command:$x\"; exit' TERM; kill -USR1 $PPID; "
                           "while :; do sleep .02; done"});
  CHECK(result.out == "action:\ncommand:one\nexit:two\n");
}

TEST_CASE("actions ignore what sigtrap was started with ignored, and what a terminal stops with") {
  // The mask cannot be seen: a dash unblocks all at its start.
  const auto result = sigtrap({"--ignore", "HUP", program("sigtrap"), "--ignore", "INT", "--on",
                               "EXIT=" + probe + " report", "true"});
  CHECK(contains(result.out, "ignored HUP,TTIN,TTOU\n"));
}

TEST_CASE("when sigtrap is killed, the command and the actions get TERM") {
  const std::string mark = new_mark();
  trapped job({"--on", "USR1=exec " + probe + " catch TERM:0"}, {"catch", "TERM:0"},
              {.environment = {mark}, .before_exec = {}, .argv0 = {}});
  job.send(SIGUSR1);
  job.wait_for_line("ready");
  job.send(SIGKILL);
  CHECK(eventually([&] { return marked_processes(mark).empty(); }));
  kill_marked(mark);
}

TEST_CASE("CHLD, TTIN and TTOU that are sent are for actions alone") {
  trapped job({"--on", "CHLD,TTIN=echo action $SIGTRAP_SIGNAL"}, {"catch", "TERM:0"});
  job.send(SIGCHLD);
  job.wait_for_line("action CHLD");
  job.send(SIGTTIN);
  job.wait_for_line("action TTIN");
  job.send(SIGTTOU);
  job.send(SIGTERM);
  CHECK(job.finish() == exit_status::exited(0));
  CHECK_FALSE(contains(job.out(), "got CHLD"));
}

TEST_CASE("-v says what came, from whom, and what was done") {
  const std::string self = "PID " + std::to_string(::getpid()) + " (";
  trapped job({"-v", "--on", "USR1=true; exit 3", "--on", "USR1=@drop", "-r", "HUP:USR2"},
              {"catch", "TERM:5"});
  job.send(SIGUSR1);
  job.send(SIGHUP);
  job.wait_for_line("got USR2");
  job.queue(SIGTERM, 8);
  CHECK(job.finish() == exit_status::exited(5));
  const std::string name = "'" + probe + "'";
  for (const std::string& line :
       {std::string("sigtrap: running the action for USR1: 'true; exit 3'\n"),
        std::string("sigtrap: the action for USR1: exited 3\n"),
        std::string("sigtrap: signal USR1 is dropped\n"),
        "sigtrap: sending signal USR2 to command " + name + "\n",
        "sigtrap: sending signal TERM to command " + name + "\n",
        "sigtrap: command " + name + ": exited 5\n"})
    CHECK_MESSAGE(contains(job.err(), line), job.err());
  CHECK(contains(job.err(), "sigtrap: received signal HUP from " + self));
  CHECK(contains(job.err(), "), value 8\n"));
}
