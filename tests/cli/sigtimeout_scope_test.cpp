#include <doctest/doctest.h>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include <sigkit/cgroup.hpp>

#include "cli/sigtimeout.hpp"

using sigkit::exit_status;
using test::joined;
using test::sigtimeout;
using test::sigtimeout_job;
using namespace std::chrono_literals;

namespace {

/// A daemon in a session of its own, one that was forked twice, and what the shell waits for. When
/// all of it stands the limit is fired.
const char* const job_of_daemons = "exec >&- 2>&-; setsid sleep 1000 &"
                                   "(setsid sh -c '(sleep 1000; :) &' &);"
                                   "sh -c 'trap \"\" TERM; while :; do sleep .1; done' &"
                                   "sleep .2; kill -ALRM $LIMIT; sleep 1000; :";

std::vector<std::string> with_daemons(std::vector<std::string> options) {
  const std::vector<std::string> rest{"1000", "sh", "-c",
                                      std::string("LIMIT=$PPID; ") + job_of_daemons};
  options.insert(options.end(), rest.begin(), rest.end());
  return options;
}

bool can_make_cgroup() {
  try {
    const auto own = sigkit::cgroup::of(::getpid());
    if (!own) return false;
    own->make("sigkit.test." + std::to_string(::getpid())).remove();
    return true;
  } catch (const sigkit::error&) {
    return false;
  }
}

bool can_make_namespace() {
  return sigtimeout({"--scope=namespace", "1000", "true"}).err.find("unshare(2)") ==
         std::string::npos;
}

} // namespace

TEST_CASE("with tree, cgroup and auto nothing of a job with daemons is left") {
  for (const char* scope : {"tree", "cgroup", "auto"}) {
    if (std::string(scope) == "cgroup" && !can_make_cgroup()) continue;
    const auto job = sigtimeout_job(with_daemons({std::string("--scope=") + scope, "-k", ".1"}));
    CHECK(job.status.exit_code().value_or(0) >= 124);
    CHECK_MESSAGE(job.left.empty(), scope, ": ", joined(job.left));
  }
}

TEST_CASE("what a command leaves behind in its cgroup when it ends in time is ended") {
  if (!can_make_cgroup()) SKIP("no cgroup can be made here");
  const auto job =
      sigtimeout_job({"--scope=cgroup", "1000", "sh", "-c", "(setsid sleep 1000 &); exit 6"});
  CHECK(job.status == exit_status::exited(6));
  CHECK_MESSAGE(job.left.empty(), joined(job.left));
}

TEST_CASE("a cgroup is removed, with those that the command made in it") {
  if (!can_make_cgroup()) SKIP("no cgroup can be made here");
  const auto own = sigkit::cgroup::of(::getpid());
  const auto result = sigtimeout({"--scope=cgroup", "1000", "sh", "-c",
                                  "echo $PPID; mkdir $0/sigkit.$PPID/inner && mkdir "
                                  "$0/sigkit.$PPID/inner/most && sleep .1",
                                  own->path()});
  CHECK(result.status == exit_status::exited(0));
  CHECK_MESSAGE(result.err.empty(), result.err);
  const std::string number = result.out.substr(0, result.out.find('\n'));
  CHECK_FALSE(std::filesystem::exists(own->path() + "/sigkit." + number));
}

TEST_CASE("what moved itself out of the cgroup is found as tree") {
  if (!can_make_cgroup()) SKIP("no cgroup can be made here");
  const auto own = sigkit::cgroup::of(::getpid());
  const auto job =
      sigtimeout_job({"--scope=cgroup", "1000", "sh", "-c",
                      "exec >&- 2>&-; setsid sh -c 'echo 0 >$0/cgroup.procs; kill -ALRM $1;"
                      "sleep 1000; :' $0 $PPID & sleep 1000; :",
                      own->path()});
  CHECK(job.status == exit_status::exited(124));
  CHECK_MESSAGE(job.left.empty(), joined(job.left));
}

TEST_CASE("the command in a cgroup gets each signal once") {
  if (!can_make_cgroup()) SKIP("no cgroup can be made here");
  test::child running(test::sigtimeout_words({"--scope=cgroup", "-s", "USR1", "-k", "1000", "1000",
                                              test::program("probe"), "catch", "HUP:3"}));
  running.wait_for_line("ready");
  ::kill(running.pid(), SIGALRM);
  running.wait_for_line("got USR1");
  ::kill(running.pid(), SIGUSR2);
  running.wait_for_line("got USR2");
  ::kill(running.pid(), SIGHUP);
  CHECK(running.finish() == exit_status::exited(124));
  CHECK(running.out().find("got USR1", running.out().find("got USR1") + 1) == std::string::npos);
}

TEST_CASE("a scope that cannot be had is an error before anything is started") {
  const std::string mark = test::new_mark();
  const auto result = sigtimeout({"--scope=cgroup", "1000", "echo", "started"},
                                 {.environment = {mark},
                                  .before_exec =
                                      [] {
                                        if (::setgid(65534) != 0 || ::setuid(65534) != 0)
                                          ::_exit(98);
                                      },
                                  .argv0 = {}});
  if (result.status == exit_status::exited(98) || ::geteuid() != 0) SKIP("only as root");
  CHECK(result.status == exit_status::exited(125));
  CHECK(result.out.empty());
  CHECK(result.err.starts_with("sigtimeout: "));
  CHECK(test::marked_processes(mark).empty());
}

TEST_CASE("a namespace is ended whole, and the command's status is passed on") {
  if (!can_make_namespace()) SKIP("no namespace can be made here");
  CHECK(sigtimeout({"--scope=namespace", "1000", "sh", "-c", "exit 3"}).status ==
        exit_status::exited(3));
  CHECK(sigtimeout({"--scope=namespace", "1000", "sh", "-c", "kill -9 $$"}).status ==
        exit_status::killed(sigkit::sigkill));
  CHECK(sigtimeout({"--scope=namespace", "1000", "no-such-program"}).status ==
        exit_status::exited(127));
  CHECK(sigtimeout({"--scope=namespace", ".1", "sleep", "1000"}).status ==
        exit_status::exited(124));
  CHECK(sigtimeout({"--scope=namespace", "-s", "KILL", ".1", "sleep", "1000"}).status ==
        exit_status::exited(137));
  const auto job = sigtimeout_job(
      {"--scope=namespace", "1000", "sh", "-c", "exec >&- 2>&-; (setsid sleep 1000 &) ; exit 6"});
  CHECK(job.status == exit_status::exited(6));
  CHECK_MESSAGE(job.left.empty(), joined(job.left));
}

TEST_CASE("a command that leaves nothing behind gets no signal, in a namespace neither") {
  for (const char* scope : {"--scope=namespace", "--tree", "--scope=auto"}) {
    for (int i = 0; i < 10; ++i) {
      const auto result = sigtimeout({scope, "-v", "1000", "true"});
      if (result.err.find("unshare(2)") != std::string::npos) break;
      CHECK(result.status == exit_status::exited(0));
      CHECK_MESSAGE(result.err.empty(), result.err);
    }
  }
}

TEST_CASE("a namespace has a /proc of its own, and PIDs that start anew") {
  if (!can_make_namespace()) SKIP("no namespace can be made here");
  const auto result = sigtimeout({"--scope=namespace", "1000", "sh", "-c", "echo $$; ls /proc"});
  CHECK(std::stoi(result.out) < 10); // a sanitizer has threads of its own
  CHECK(result.out.find("\n1\n") != std::string::npos);
}

TEST_CASE("when sigtimeout is killed the kernel ends the namespace") {
  if (!can_make_namespace()) SKIP("no namespace can be made here");
  const std::string mark = test::new_mark();
  test::child running(
      test::sigtimeout_words({"--scope=namespace", "1000", "sh", "-c",
                              "setsid sh -c 'trap \"\" TERM; echo ready; while :; do sleep 1; done'"
                              "& sleep 1000"}),
      {.environment = {mark}, .before_exec = {}, .argv0 = {}});
  running.wait_for_line("ready");
  ::kill(running.pid(), SIGKILL);
  CHECK(test::eventually([&] { return test::marked_processes(mark).empty(); }));
}

TEST_CASE("orphans are left, waited for or ended, as asked") {
  const std::vector<std::string> script{"1000", "sh", "-c",
                                        "exec >&- 2>&-; setsid sleep 1000 & exit 5"};
  const auto with = [&](std::vector<std::string> options) {
    options.insert(options.end(), script.begin(), script.end());
    return sigtimeout_job(options);
  };
  const auto left = with({});
  CHECK(left.status == exit_status::exited(5));
  CHECK(left.left.size() == 1);
  CHECK(with({"--tree", "--orphans=leave"}).left.size() == 1);
  for (const char* scope : {"group", "process", "session", "tree"}) {
    const auto killed = with({std::string("--scope=") + scope, "--orphans=kill"});
    CHECK(killed.status == exit_status::exited(5));
    CHECK_MESSAGE(killed.left.empty(), scope, ": ", joined(killed.left));
  }
}

TEST_CASE("orphans that are waited for end by themselves, or at the limit") {
  const test::temporary_directory directory;
  const auto waited = sigtimeout({"--orphans=wait", "1000", "sh", "-c",
                                  "exec >&- 2>&-; (setsid sh -c 'sleep .3; : >$0/done' $0 &);"
                                  "exit 5",
                                  directory.path()});
  CHECK(waited.status == exit_status::exited(5));
  CHECK(std::filesystem::exists(directory.path() + "/done"));
  const auto limited = sigtimeout_job(
      {"--orphans=wait", "2", "sh", "-c", "exec >&- 2>&-; (setsid sleep 1000 &); exit 5"});
  CHECK(limited.status == exit_status::exited(5));
  CHECK_MESSAGE(limited.left.empty(), joined(limited.left));
}

TEST_CASE("a signal from outside ends the wait for orphans") {
  const std::string mark = test::new_mark();
  const test::temporary_directory directory;
  const std::string ended = directory.path() + "/ended";
  test::child running(
      test::sigtimeout_words({"--orphans=wait", "0", "sh", "-c",
                              "exec >&- 2>&-; (setsid sleep 1000 &); : >$0; exit 5", ended}),
      {.environment = {mark}, .before_exec = {}, .argv0 = {}});
  // The shell has ended when only the orphan still has the mark, beside sigtimeout.
  CHECK(test::eventually(
      [&] { return std::filesystem::exists(ended) && test::marked_processes(mark).size() == 2; }));
  ::kill(running.pid(), SIGTERM);
  CHECK(running.finish() == exit_status::exited(5));
  CHECK(test::marked_processes(mark).empty());
}

TEST_CASE("--preset sets the signals, -s replaces the first and --then is appended") {
  const auto ladder = [](std::vector<std::string> options) {
    options.insert(options.begin(), "-v");
    // Every signal of the ladder is fired by the one before it.
    const std::vector<std::string> rest{
        "1000", "sh", "-c",
        "trap 'kill -ALRM $PPID' INT TERM USR1; kill -ALRM $PPID; while :; do sleep .01; done"};
    options.insert(options.end(), rest.begin(), rest.end());
    const auto result = sigtimeout(options);
    std::string names;
    for (std::size_t at = result.err.find("sending signal "); at != std::string::npos;
         at = result.err.find("sending signal ", at + 1)) {
      const std::size_t name = at + 15;
      names += result.err.substr(name, result.err.find(' ', name) - name) + " ";
    }
    return names;
  };
  CHECK(ladder({"--preset", "github"}) == "INT TERM KILL ");
  CHECK(ladder({"--preset=docker"}) == "TERM KILL ");
  CHECK(ladder({"--preset=github", "-s", "USR1"}) == "USR1 TERM KILL ");
  CHECK(ladder({"--then", "1000:KILL", "--preset=docker"}) == "TERM KILL ");
}

TEST_CASE("--preset=help lists the presets") {
  const auto result = sigtimeout({"--preset=help"});
  CHECK(result.status == exit_status::exited(0));
  CHECK(result.out == "bazel   TERM, 15s, KILL\n"
                      "ctest   TERM, 1s, STOP over the tree, KILL over the tree\n"
                      "docker  TERM, 10s, KILL\n"
                      "github  INT, 7.5s, TERM, 2.5s, KILL\n"
                      "k8s     TERM, 30s, KILL\n"
                      "meson   TERM, 500ms, KILL\n");
}

TEST_CASE("when sigtimeout itself is killed, the command gets the limit's signal") {
  test::child running(
      test::sigtimeout_words({"-s", "USR1", "1000", test::program("probe"), "catch", "USR1:0"}));
  running.wait_for_line("ready");
  ::kill(running.pid(), SIGKILL);
  running.wait_for_line("got USR1");
}

TEST_CASE("what may not be signalled is named after 5 s, and the status is 125") {
  if (::geteuid() != 0) SKIP("only root can make a program that others may not signal");
  const test::temporary_directory directory;
  const std::string program = directory.path() + "/hostile";
  const std::string report = directory.path() + "/report";
  std::filesystem::copy(test::program("hostile"), program);
  REQUIRE(::chmod(directory.path().c_str(), 0777) == 0);
  REQUIRE(::chmod(program.c_str(), 04755) == 0);
  const auto result =
      sigtimeout({"--tree", "-k", ".1", "--report", report, "1000", program, "root"},
                 {.environment = {},
                  .before_exec =
                      [] {
                        if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(98);
                      },
                  .argv0 = {}});
  if (result.err.find("setresuid") != std::string::npos) SKIP("no set-user-ID programs here");
  CHECK(result.status == exit_status::exited(125));
  CHECK(result.err.starts_with("sigtimeout: signal TERM may not be sent to command "));
  CHECK(result.err.find("sigtimeout: still running, although KILL was sent: ") !=
        std::string::npos);
  CHECK(result.err.find("(hostile, state S)") != std::string::npos);
  CHECK(test::text_of(report).find("\"survivors\": [\n    {") != std::string::npos);
}

TEST_CASE("a step over the group ends what is in it, and not what watches over a namespace") {
  if (!can_make_namespace()) SKIP("no namespace can be made here");
  const auto result = sigtimeout(
      {"--scope=namespace", "-s", "0", "--then", ".05:KILL@group", ".1", "sleep", "1000"});
  CHECK(result.status == exit_status::exited(137));
  CHECK_MESSAGE(result.err.empty(), result.err);
}
