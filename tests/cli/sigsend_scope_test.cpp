#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <fstream>
#include <optional>

#include <sigkit/cgroup.hpp>

#include "cli/sigsend.hpp"

using namespace test;

namespace {

std::string state_of(const std::string& pid) {
  const auto facts = sigkit::read_process(std::stoi(pid));
  return facts ? std::string(1, facts->state) : "";
}

} // namespace

TEST_CASE("sigsend --tree ends what has fled into sessions, is stopped, or was orphaned") {
  shell_job job(
      "setsid sh -c 'echo a $$; sleep 1000 & wait' & "
      "(sleep 1000 & echo b $!) & "                            // an orphan in our group
      "setsid sh -c '(setsid sleep 1000 &) ; kill -STOP $$' &" // one that is lost for us
      "sh -c 'echo c $$; trap \"\" TERM; kill -STOP $$; sleep 1000; :' & wait; wait; wait");
  const std::string a = job.pid_of("a");
  CHECK(eventually([&] { return job.left().size() == 7; }));
  const auto result = sigsend({"-v", "--tree", "--then", "200ms:KILL", "--wait", job.number()});
  CHECK(result.status == exit_status::exited(0));
  CHECK(contains(result.err, "COMMAND"));
  // What has a session of its own, whose leader never was in the tree at the time of the look, is
  // beyond what can be found from outside: the one that a child of a child was moved to.
  CHECK(eventually([&] { return job.left().size() == 1; }));
  CHECK_FALSE(is_alive(a));
}

TEST_CASE("sigsend --tree freezes what keeps forking, and leaves nothing stopped") {
  const std::string hostile = program("hostile");
  for (const char* kind : {"wide", "chain", "ignoring"}) {
    CAPTURE(kind);
    shell_job job("trap 'echo standing now' ALRM; " + hostile + " " + kind +
                  " 60 & wait; wait; wait; wait");
    job.wait_for_line("standing");
    CHECK(sigsend({"--tree", "--then", "100ms:KILL", "-w", job.number()}).status ==
          exit_status::exited(0));
    CHECK(job.all_end());
  }
  shell_job job("(while :; do sh -c 'sleep .01; :' & done) & echo forks $!; wait");
  const std::string forks = job.pid_of("forks");
  CHECK(sigsend({"-s", "TERM", "--tree", "--wait=20s", job.number()}).status ==
        exit_status::exited(0));
  CHECK(job.all_end());
}

TEST_CASE("sigsend --tree continues what it has stopped, where that does not end") {
  shell_job job("trap 'echo got term' TERM; sh -c 'trap \"\" TERM; echo child $$; sleep 1000; :' & "
                "wait; wait; wait");
  const std::string child = job.pid_of("child");
  CHECK(sigsend({"--tree", job.number()}).status == exit_status::exited(0));
  job.wait_for_line("got term");
  CHECK(eventually([&] { return state_of(child) == "S"; }));
}

TEST_CASE("sigsend --tree stops nothing for a signal that does not terminate") {
  shell_job job("trap 'echo got winch' WINCH; sleep 1000 & echo child $!; wait; wait; wait");
  const std::string child = job.pid_of("child");
  const auto done = sigsend_json({"-s", "WINCH", "--tree", job.number()});
  job.wait_for_line("got winch");
  CHECK(done["targets"].size() == 2);
  CHECK(done["targets"][0]["by_scope"] == false);
  CHECK(done["targets"][1]["by_scope"] == true);
  CHECK(done["targets"][1]["pid"] == std::stoi(child));
  CHECK(is_alive(child));
}

TEST_CASE("sigsend --tree spares who only shares the group, the session or a parent") {
  // The tree is that of a child: its brother, its parent, and an orphan of another are not its.
  shell_job job("sh -c 'echo root $$; sleep 1000 & wait' & sleep 1000 & echo brother $!; "
                "(sleep 1000 & echo orphan $!) & wait; wait; wait");
  const std::string root = job.pid_of("root");
  child waits({"sh", "-c", "kill -0 " + root});
  CHECK(eventually([&] { return job.left().size() == 5; }));
  CHECK(sigsend({"--tree", "-w", root}).status == exit_status::exited(0));
  CHECK(job.left().size() == 3);
  CHECK(is_alive(job.number()));
}

TEST_CASE("sigsend --scope group and session reach their members, and no others") {
  shell_job job("setsid sh -c 'echo other $$; sleep 1000; :' & sleep 1000 & echo member $!; "
                "wait; wait; wait");
  const std::string other = job.pid_of("other");
  const std::string member = job.pid_of("member");
  for (const char* reach : {"group", "session"}) {
    CHECK(sigsend_json({"-s", "WINCH", "--scope", reach, member})["targets"].size() == 2);
    CHECK(contains(sigsend({"--dry-run", "--scope", reach, member}).out, job.number()));
    CHECK_FALSE(contains(sigsend({"-p", "--scope", reach, member}).out, other + "\n"));
  }
  CHECK(sigsend({"--scope=group", "-w", member}).status == exit_status::exited(0));
  CHECK_FALSE(is_alive(member));
  CHECK(is_alive(other));
}

TEST_CASE("sigsend --scope cgroup reaches all that is in it, and below") {
  const auto own = sigkit::cgroup::of(::getpid());
  if (!own) SKIP("there is no cgroup2 here");
  std::optional<sigkit::cgroup> made;
  try {
    made.emplace(own->make("sigkit-send-" + std::to_string(::getpid())));
  } catch (const sigkit::error&) {
    SKIP("no cgroup can be made here");
  }
  {
    shell_job job("echo $$ >" + made->path() +
                  "/cgroup.procs; (setsid sleep 1000 &); (sleep 1000 & ); echo ready; "
                  "trap '' TERM; sleep 1000; :");
    job.wait_for_line("ready");
    CHECK(eventually([&] { return made->members().size() == 4; }));
    const std::string path = own->path() + "/sigkit-send-" + std::to_string(::getpid());
    CHECK(sigsend({"--count", "--cgroup", path}).out == "4\n");
    CHECK(sigsend({"--count", "--scope=cgroup", job.number()}).out == "4\n");
    CHECK(sigsend({"-r", "-KILL", "--scope=cgroup", job.number()}).status ==
          exit_status::exited(1));
    CHECK(made->members().size() == 4);
    // The orphans, too, are the tree's: it is at the top of its cgroup.
    CHECK(sigsend({"--count", "--tree", job.number()}).out == "4\n");
    CHECK(sigsend({"--scope=cgroup", "--then", "50ms:KILL", "-w", job.number()}).status ==
          exit_status::exited(0));
    CHECK(job.all_end());
    CHECK(made->wait_until_empty(20s));
  }
  made->remove();
}

TEST_CASE("sigsend --tree of a daemon does not take those whose cgroup it was started in") {
  const auto own = sigkit::cgroup::of(::getpid());
  if (!own) SKIP("there is no cgroup2 here");
  std::optional<sigkit::cgroup> made;
  try {
    made.emplace(own->make("sigkit-daemon-" + std::to_string(::getpid())));
  } catch (const sigkit::error&) {
    SKIP("no cgroup can be made here");
  }
  {
    shell_job job("echo $$ >" + made->path() +
                  "/cgroup.procs; sleep 1000 & "
                  "(setsid sh -c 'echo daemon $$; sleep 1000; :' &); wait; wait");
    const std::string daemon = job.pid_of("daemon");
    CHECK(eventually([&] { return made->members().size() == 4; }));
    CHECK(sigsend({"--count", "--tree", daemon}).out == "2\n");
    const auto sent = sigsend({"--tree", "-w", daemon});
    CHECK_MESSAGE(sent.status == exit_status::exited(0), sent.err);
    CHECK(job.left().size() == 2);
  }
  CHECK(made->wait_until_empty(20s));
  made->remove();
}

TEST_CASE("sigsend -r over a scope leaves those alone that do not catch the signal") {
  shell_job job("\"" + program("probe") +
                "\" handle USR1 & sleep 1000 & echo sleeper $!; kill -STOP $!; "
                "trap : USR1; while :; do wait; done");
  const std::string sleeper = job.pid_of("sleeper");
  CHECK(job.pid_of("ready") != sleeper);
  CHECK(eventually([&] { return state_of(sleeper) == "T"; }));
  for (const char* reach : {"tree", "group", "session"}) {
    CAPTURE(reach);
    const auto done = sigsend({"-r", "-s", "USR1", "--scope", reach, job.number()});
    CHECK(done.status == exit_status::exited(0));
    job.wait_for_line("handled 10");
    CHECK(state_of(sleeper) == "T"); // stopped as it was
  }
  CHECK(sigsend({"-r", "-s", "KILL", "--tree", job.number()}).status == exit_status::exited(1));
  // Nor does a later step reach who was passed over, or what belongs to that.
  CHECK(sigsend({"-r", "-s", "USR2", "--then", "1ms:KILL@tree", job.number()}).status ==
        exit_status::exited(1));
  CHECK(job.left().size() == 3);
}

TEST_CASE("sigsend refuses a scope that is none, or that only a command can have") {
  const auto none = sigsend({"--scope", "moon", "1"});
  CHECK(none.status == exit_status::exited(1));
  CHECK(contains(none.err, "invalid scope 'moon' (process, group, session, tree, cgroup)\n"));
  CHECK(contains(sigsend({"--scope", "namespace", "1"}).err, "sigtimeout or sigtrap start"));
}

TEST_CASE("sigsend refuses a scope that it is in itself, unless that is meant") {
  const auto refused = run({"sh", "-c", "\"$0\" --tree $$; echo status $?", program("sigsend")});
  CHECK(refused.out == "status 1\n");
  CHECK(contains(refused.err, "--include-self"));
  child kills({"sh", "-c",
               "trap 'echo got usr1' USR1; \"$0\" -s USR1 --tree --include-self $$; "
               "echo status $?",
               program("sigsend")});
  CHECK(kills.finish() == exit_status::exited(0));
  CHECK(contains(kills.out(), "got usr1\n"));
  CHECK(contains(kills.out(), "status " + std::to_string(128 + SIGUSR1)));
  for (const char* reach : {"group", "session"})
    CHECK(
        run({"sh", "-c", "\"$0\" -0 --scope=\"$1\" $$; echo status $?", program("sigsend"), reach})
            .out == "status 1\n");
  // A later step's scope counts as well, and then nothing is sent at all.
  const auto later = run({"sh", "-c",
                          "trap 'echo got usr1' USR1; \"$0\" -USR1 --then 1s:KILL@tree $$; "
                          "echo status $?",
                          program("sigsend")});
  CHECK(later.out == "status 1\n");
}

TEST_CASE("sigsend: no PID of zero, no group, has a scope") {
  target probe;
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"--tree", "0"},
                                             {"-TERM", "--tree", "-1"},
                                             {"-TERM", "--scope=group", "-" + probe.number()},
                                             {"-TERM", "--then", "1:KILL@tree", "0"}}) {
    const auto result = sigsend(words);
    CHECK(result.status == exit_status::exited(1));
    CHECK(contains(result.err, "a process group, and a scope, exclude each other"));
  }
}

TEST_CASE("sigsend --tree names those who may not be signalled, and signals the others") {
  if (::geteuid() != 0) SKIP("only root can be another user");
  const std::string mark = new_mark();
  const auto result = run(
      {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c",
       "sleep 1000 & \"$0\" --json --tree --wait=20s $!; \"$0\" --tree 1; \"$0\" 1; echo status $?",
       program("sigsend")},
      {.environment = {mark}, .before_exec = {}, .argv0 = {}});
  CHECK(contains(result.err, "sigsend: '1': Operation not permitted\n"));
  CHECK(contains(result.out, "status 1\n"));
  // One of the tree is root's: here a process that only root may signal, below a user's shell.
  const temporary_directory folder;
  const std::string hostile = folder.path() + "/hostile";
  REQUIRE(run({"cp", program("hostile"), hostile}).status == exit_status::exited(0));
  REQUIRE(run({"chmod", "4755", hostile}).status == exit_status::exited(0));
  REQUIRE(run({"chmod", "755", folder.path()}).status == exit_status::exited(0));
  child job({"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c",
             "trap 'echo job $$' ALRM; sleep 1000 & \"$0\" root & echo root $!; wait; wait; wait",
             hostile},
            {.environment = {mark}, .before_exec = [] { ::setsid(); }, .argv0 = {}});
  const std::string root = said_by(job, "root");
  CHECK(said_by(job, "job") == std::to_string(job.pid()));
  const auto some = run({"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                         program("sigsend"), "--tree", std::to_string(job.pid())});
  CHECK(some.status == exit_status::exited(64));
  CHECK(some.err == "sigsend: " + root + " (hostile): Operation not permitted\n");
  kill_marked(mark);
}

TEST_CASE("sigsend: 5,000 targets are signalled with room for 1,024 files") {
  shell_job job("trap 'echo standing now' ALRM; " + program("hostile") +
                " wide 5000 & echo top $!; "
                "wait; wait; wait");
  const std::string top = job.pid_of("top");
  CHECK(job.pid_of("standing") == "now");
  const run_options few = with_files(1024);
  CHECK(sigsend({"--count", "--parent", top}, few).out == "5000\n");
  CHECK(sigsend({"-s", "WINCH", "--parent", top}, few).status == exit_status::exited(0));
  CHECK(sigsend({"--tree", "-w", top}, few).status == exit_status::exited(0));
  CHECK(job.all_end());
}
