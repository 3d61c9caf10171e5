// What people rely on in timeout(1), through a link of that name.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <sigkit/signal_set.hpp>

#include "support/child.hpp"
#include "support/timing.hpp"

using sigkit::exit_status;
using namespace std::chrono_literals;

namespace {

/// The link, in a directory of its own.
class timeout_link {
public:
  timeout_link() { std::filesystem::create_symlink(test::program("sigtimeout"), path()); }
  [[nodiscard]] std::string path() const { return directory_.path() + "/timeout"; }

  [[nodiscard]] std::vector<std::string> words(std::vector<std::string> rest) const {
    rest.insert(rest.begin(), path());
    return rest;
  }
  [[nodiscard]] test::run_result run(std::vector<std::string> rest,
                                     const test::run_options& options = {}) const {
    return test::run(words(std::move(rest)), options);
  }

private:
  test::temporary_directory directory_;
};

test::run_options before_exec(std::function<void()> act) {
  return {.environment = {}, .before_exec = std::move(act), .argv0 = {}};
}

std::string probe() {
  return test::program("probe");
}

} // namespace

TEST_CASE("timeout: a KILL after the limit is 137 in both modes") {
  const timeout_link timeout;
  // In the background mode timeout signals its own group, and is ended by KILL itself.
  CHECK(timeout.run({"-s0", "-k.1", ".1", "sleep", "1000"}).status ==
        exit_status::killed(sigkit::sigkill));
  CHECK(timeout.run({"-f", "-s0", "-k.1", ".1", "sleep", "1000"}).status ==
        exit_status::exited(137));
}

TEST_CASE("timeout: the limit is 124, or the command's own status on request") {
  const timeout_link timeout;
  const std::string script = "trap 'exit 7' TERM; kill -ALRM $PPID; while :; do sleep .01; done";
  CHECK(timeout.run({"1000", "sh", "-c", script}).status == exit_status::exited(124));
  CHECK(timeout.run({"-p", "1000", "sh", "-c", script}).status == exit_status::exited(7));
  CHECK(timeout.run({"--preserve-status", ".1", "sleep", "1000"}).status ==
        exit_status::exited(143));
  CHECK(timeout.run({"-s", "KILL", ".1", "sleep", "1000"}).status ==
        exit_status::killed(sigkit::sigkill));
}

TEST_CASE("timeout: in time it is the command's own status") {
  const timeout_link timeout;
  CHECK(timeout.run({"10", "true"}).status == exit_status::exited(0));
  CHECK(timeout.run({"10", "sh", "-c", "exit 9"}).status == exit_status::exited(9));
  CHECK(timeout.run({"0", "sh", "-c", "exit 3"}).status == exit_status::exited(3));
  CHECK(timeout.run({"10", "sh", "-c", "kill $$"}).status == exit_status::killed(sigkit::sigterm));
}

TEST_CASE("timeout: dies of the signal that the command died of, and there is one core") {
  const timeout_link timeout;
  std::string pattern;
  std::ifstream("/proc/sys/kernel/core_pattern") >> pattern;
  if (pattern != "core") SKIP("core dumps do not go to the working directory here");
  const test::temporary_directory directory;
  test::run_options in_directory = before_exec([&] {
    const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_CORE, &unlimited) != 0) ::_exit(98);
    if (::chdir(directory.path().c_str()) != 0) ::_exit(98);
  });
  // A sanitizer would switch core dumps off.
  in_directory.environment = {"ASAN_OPTIONS=disable_coredump=0", "TSAN_OPTIONS=disable_coredump=0"};
  const auto result = timeout.run({"10", "sh", "-c", "kill -SEGV $$"}, in_directory);
  CHECK(result.status.signal() == sigkit::sigsegv);
  CHECK_FALSE(result.status.dumped_core());
  CHECK(result.err.find("timeout: the monitored command dumped core\n") != std::string::npos);
  CHECK(std::distance(std::filesystem::directory_iterator(directory.path()), {}) == 1);
}

TEST_CASE("timeout: KILL still follows a TERM from outside where there is no limit") {
  const timeout_link timeout;
  test::child running(timeout.words({"-k", ".1", "0", probe(), "ignore", "TERM"}));
  running.wait_for_line("ready");
  ::kill(running.pid(), SIGTERM);
  CHECK(running.finish().shell_status() == 137);
}

TEST_CASE("timeout: a TERM from outside is passed on, and the command's end is timeout's") {
  const timeout_link timeout;
  test::child plain(timeout.words({"1000", probe(), "catch", "TERM:3"}));
  plain.wait_for_line("ready");
  ::kill(plain.pid(), SIGTERM);
  CHECK(plain.finish() == exit_status::exited(3));
  test::child dies(timeout.words({"1000", "sh", "-c", "echo ready; exec sleep 1000"}));
  dies.wait_for_line("ready");
  ::kill(dies.pid(), SIGTERM);
  CHECK(dies.finish() == exit_status::killed(sigkit::sigterm));
}

TEST_CASE("timeout: long options are abbreviated and the last signal counts") {
  const timeout_link timeout;
  const std::string script = "trap 'exit 5' USR1; trap '' TERM; kill -ALRM $PPID;"
                             "while :; do sleep .01; done";
  CHECK(timeout
            .run({"--sig=TERM", "--s", "USR1", "--preserve", "--kill=1000", "1000", "sh", "-c",
                  script})
            .status == exit_status::exited(5));
  CHECK(timeout.run({"--fore", "-sUSR2", "-sUSR1", "-p", "1000", "sh", "-c", script}).status ==
        exit_status::exited(5));
}

TEST_CASE("timeout: a stopped command dies at the limit") {
  const timeout_link timeout;
  const auto result = timeout.run({".2", "sh", "-c", "kill -STOP $$; sleep 1000"});
  CHECK(result.status == exit_status::exited(124));
}

TEST_CASE("timeout: a stopped member of the group dies at the limit too") {
  const timeout_link timeout;
  // The command outlives the signal, and waits for its stopped child.
  const auto result = timeout.run({"-p", ".3", "sh", "-c",
                                   "trap : TERM; sh -c 'kill -STOP $$; exec sleep 1000' &"
                                   "wait; wait; exit 5"});
  CHECK(result.status == exit_status::exited(5));
}

TEST_CASE("timeout: with --foreground nothing is continued") {
  const timeout_link timeout;
  test::child running(timeout.words({"-f", "-k", ".3", "1000", probe(), "catch", "QUIT:0"}));
  const std::string ready = running.wait_for_line("ready");
  ::kill(running.pid(), SIGALRM);
  CHECK(running.finish() == exit_status::exited(137));
  CHECK(running.out() == ready + "\ngot TERM\n");
}

TEST_CASE("timeout: the group gets the signal once, and CONT after it") {
  const timeout_link timeout;
  test::child running(timeout.words({"1000", probe(), "catch", "CONT:4"}));
  const std::string ready = running.wait_for_line("ready");
  ::kill(running.pid(), SIGALRM);
  CHECK(running.finish() == exit_status::exited(124));
  CHECK(running.out() == ready + "\ngot TERM\ngot CONT\n");
}

TEST_CASE("timeout: ALRM fires the limit at once") {
  const timeout_link timeout;
  test::child running(timeout.words({"1000", "sh", "-c", "echo ready; exec sleep 1000"}));
  running.wait_for_line("ready");
  ::kill(running.pid(), SIGALRM);
  CHECK(running.finish() == exit_status::exited(124));
}

TEST_CASE("timeout: every terminating signal is passed on") {
  const timeout_link timeout;
  test::child running(timeout.words({"1000", probe(), "catch", "RTMAX:0"}));
  running.wait_for_line("ready");
  for (const sigkit::signal_id signal : sigkit::signal_set::changeable()) {
    if (!signal.terminates() || signal == sigkit::sigalrm) continue;
    ::kill(running.pid(), signal.number());
    REQUIRE(running.wait_for_line("got " + signal.name()) == "got " + signal.name());
  }
  CHECK(running.finish() == exit_status::exited(0)); // RTMAX was the last
}

TEST_CASE("timeout: what is ignored stays ignored and is not passed on") {
  const timeout_link timeout;
  test::child running(timeout.words({"1000", probe(), "catch", "USR2:0"}),
                      before_exec([] { ::signal(SIGHUP, SIG_IGN); }));
  running.wait_for_line("ready");
  ::kill(running.pid(), SIGHUP);
  ::kill(running.pid(), SIGUSR2);
  CHECK(running.finish() == exit_status::exited(0));
  CHECK(running.out().find("HUP") == std::string::npos);
  const auto report =
      timeout.run({"10", probe(), "report"}, before_exec([] { ::signal(SIGHUP, SIG_IGN); }));
  CHECK(report.out.find("ignored HUP\n") != std::string::npos);
}

TEST_CASE("timeout: its signal and ALRM count even if they are ignored by inheritance") {
  const timeout_link timeout;
  test::child running(timeout.words({"-s", "USR1", "1000", probe(), "catch", "USR1:6"}),
                      before_exec([] {
                        ::signal(SIGUSR1, SIG_IGN);
                        ::signal(SIGALRM, SIG_IGN);
                      }));
  running.wait_for_line("ready");
  ::kill(running.pid(), SIGUSR1);
  CHECK(running.finish() == exit_status::exited(6));
  test::child alarmed(timeout.words({"1000", "sh", "-c", "echo ready; exec sleep 1000"}),
                      before_exec([] { ::signal(SIGALRM, SIG_IGN); }));
  alarmed.wait_for_line("ready");
  ::kill(alarmed.pid(), SIGALRM);
  CHECK(alarmed.finish() == exit_status::exited(124));
}

TEST_CASE("timeout: the command inherits mask and dispositions as they were") {
  const timeout_link timeout;
  const auto report = timeout.run({"10", probe(), "report"}, before_exec([] {
                                    sigset_t set;
                                    ::sigemptyset(&set);
                                    ::sigaddset(&set, SIGALRM);
                                    ::sigaddset(&set, SIGUSR1);
                                    ::sigprocmask(SIG_BLOCK, &set, nullptr);
                                    ::signal(SIGCHLD, SIG_IGN);
                                  }));
  CHECK(report.out.find("blocked USR1,ALRM\n") != std::string::npos);
  CHECK(report.out.find("ignored CHLD\n") != std::string::npos);
  CHECK(timeout.run({"10", probe(), "report"}).out.find("blocked \nignored \n") == 0);
}

TEST_CASE("timeout: the limit holds with ALRM blocked and CHLD ignored by inheritance") {
  const timeout_link timeout;
  const auto odd = before_exec([] {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    ::signal(SIGCHLD, SIG_IGN);
  });
  CHECK(
      timeout.run({"-k", "1000", "-s", "KILL", ".1", "sleep", "1000"}, odd).status.shell_status() ==
      137);
  CHECK(timeout.run({"10", "sh", "-c", "exit 3"}, odd).status == exit_status::exited(3));
}

TEST_CASE("timeout: the command has its signal as parent death signal, and none with -s0") {
  const timeout_link timeout;
  CHECK(timeout.run({"10", probe(), "report"}).out.find("parent-death TERM\n") !=
        std::string::npos);
  CHECK(timeout.run({"-s", "INT", "10", probe(), "report"}).out.find("parent-death INT\n") !=
        std::string::npos);
  CHECK(timeout.run({"-s0", "10", probe(), "report"}).out.find("parent-death 0\n") !=
        std::string::npos);
}

TEST_CASE("timeout: killed itself, it takes the command along") {
  const timeout_link timeout;
  const std::string mark = test::new_mark();
  test::child running(timeout.words({"1000", "sh", "-c", "echo ready; exec sleep 1000"}),
                      {.environment = {mark}, .before_exec = {}, .argv0 = {}});
  running.wait_for_line("ready");
  ::kill(running.pid(), SIGKILL);
  CHECK(running.finish() == exit_status::killed(sigkit::sigkill));
  CHECK(test::eventually([&] { return test::marked_processes(mark).empty(); }));
}

TEST_CASE("timeout: -v says what is sent") {
  const timeout_link timeout;
  CHECK(timeout.run({"-v", "-s0", "-k.1", ".1", "sleep", "1000"}).err ==
        "timeout: sending signal 0 to command 'sleep'\n"
        "timeout: sending signal KILL to command 'sleep'\n");
}

TEST_CASE("timeout: durations are read as strtod reads them") {
  const timeout_link timeout;
  for (const char* text : {"0x0.1p30", "infinity", "1d", "2.34e+5d", "1e10000", "1h30m"})
    CHECK(timeout.run({text, "true"}).status == exit_status::exited(0));
  for (const char* text : {"0x0.01", "1e-10000"})
    CHECK(timeout.run({text, "sleep", "1000"}).status == exit_status::exited(124));
  for (const char* text : {"42D", "nan", "-1", "1x", ""}) {
    const auto result = timeout.run({"--", text, "true"});
    CHECK(result.status == exit_status::exited(125));
    CHECK(result.err == "timeout: invalid time interval '" + std::string(text) +
                            "'\nTry 'timeout --help' for more information.\n");
  }
}

TEST_CASE("timeout: its parent may be PID 1") {
  if (::geteuid() != 0) SKIP("only root can make a PID namespace without a user namespace");
  const timeout_link timeout;
  const auto result = test::run({"unshare", "--pid", "--fork", "--mount-proc", "sh", "-c",
                                 timeout.path() + " .1 sleep 1000; test $? = 124 && echo limited"});
  if (result.err.find("unshare") != std::string::npos) SKIP("no PID namespace can be made here");
  CHECK(result.out == "limited\n");
}

TEST_CASE("timeout: as PID 1 it returns 128 and the signal's number") {
  if (::geteuid() != 0) SKIP("only root can make a PID namespace without a user namespace");
  const timeout_link timeout;
  const auto result = test::run({"unshare", "--pid", "--fork", "--mount-proc", timeout.path(), "10",
                                 "sh", "-c", "kill -TERM $$"});
  if (result.err.find("unshare") != std::string::npos) SKIP("no PID namespace can be made here");
  CHECK(result.status == exit_status::exited(143));
}

TEST_CASE("timeout: a child from before its start is not taken for the command") {
  const timeout_link timeout;
  const auto result = test::run(
      {"sh", "-c", "sleep 1000 >&- 2>&- & echo $!; exec " + timeout.path() + " .2 sleep 1000"},
      before_exec([] { ::setpgid(0, 0); }));
  CHECK(result.status == exit_status::exited(124));
  const pid_t child = std::stoi(result.out);
  CHECK(::kill(child, SIGKILL) == 0); // it is still there
}

TEST_CASE("timeout: kill of its group reaches the command") {
  const timeout_link timeout;
  test::child running(timeout.words({"1000", probe(), "catch", "USR1:8"}));
  running.wait_for_line("ready");
  CHECK(::getpgid(running.pid()) == running.pid());
  ::kill(-running.pid(), SIGUSR1);
  CHECK(running.finish() == exit_status::exited(8));
}

TEST_CASE("timeout: a survivor holds the pipe, as it does with timeout, and not with --tree") {
  const timeout_link timeout;
  const std::string mark = test::new_mark();
  const std::string job = "setsid sleep 3 & sleep 1000";
  const test::run_options marked{.environment = {mark}, .before_exec = {}, .argv0 = {}};
  CHECK(timeout.run({".2", "sh", "-c", job}, marked).status == exit_status::exited(124));
  CHECK(test::marked_processes(mark).empty()); // only since it has ended by itself
  const test::stopwatch watch;
  CHECK(timeout.run({"--tree", ".2", "sh", "-c", job}, marked).status == exit_status::exited(124));
  CHECK(watch.less_than(2s));
}

TEST_CASE("timeout: a member that signals its group does not make it go round") {
  const timeout_link timeout;
  const auto result = timeout.run({"-k5", "1000", "sh", "-c",
                                   "trap 'trap \"\" TERM; kill -TERM 0; exit 3' TERM;"
                                   "kill -ALRM $PPID; while :; do sleep .01; done"});
  CHECK(result.status == exit_status::exited(124));
}
