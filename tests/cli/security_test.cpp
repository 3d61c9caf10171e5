// What sigkit.7 says of security, where no other test does.
#include <doctest/doctest.h>

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <sigkit/process.hpp>

#include "support/child.hpp"
#include "support/timing.hpp"

using sigkit::exit_status;
using test::program;
using test::run_options;
using test::run_result;

namespace {

const std::vector<std::string> programs{"sigsend", "sigtrap", "sigtimeout", "siglist"};

const run_options as_nobody{.environment = {},
                            .before_exec =
                                [] {
                                  if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(98);
                                },
                            .argv0 = {}};

/// A copy of the hostile program that is set-user-ID, in a folder that all may use.
std::string set_user_id_copy(const test::temporary_directory& directory) {
  const std::string copy = directory.path() + "/hostile";
  std::filesystem::copy(program("hostile"), copy);
  REQUIRE(::chmod(directory.path().c_str(), 0777) == 0);
  REQUIRE(::chmod(copy.c_str(), 04755) == 0);
  return copy;
}

bool can_make_namespace() {
  return test::run({program("sigtimeout"), "--scope=namespace", "60", "true"}).status ==
         exit_status::exited(0);
}

} // namespace

TEST_CASE(
    "security: a command that may not be signalled is said, waited for, and not called ended") {
  if (::geteuid() != 0) SKIP("only root can make a program that others may not signal");
  const test::temporary_directory directory;
  const std::string hostile = set_user_id_copy(directory);
  const auto result = test::run({program("sigtimeout"), "1000", hostile, "root", "1"}, as_nobody);
  if (result.err.find("setresuid") != std::string::npos) SKIP("no set-user-ID programs here");
  CHECK(result.status == exit_status::exited(124));
  CHECK(result.err == "sigtimeout: signal TERM may not be sent to command '" + hostile +
                          "': it belongs to another user\n");
}

TEST_CASE("security: sigsend to another user's process fails, and says so") {
  if (::geteuid() != 0) SKIP("only root has another user's process");
  test::child other({program("probe"), "catch", "TERM:0"});
  other.wait_for_line("ready");
  const auto result =
      test::run({program("sigsend"), "--then", "1ms:KILL", std::to_string(other.pid())}, as_nobody);
  CHECK(result.status == exit_status::exited(1));
  CHECK(result.err.find("Operation not permitted") != std::string::npos);
  ::kill(other.pid(), SIGTERM);
  CHECK(other.finish() == exit_status::exited(0));
}

TEST_CASE("security: what is in a namespace can neither end nor outlive what watches over it") {
  if (!can_make_namespace()) SKIP("no namespace can be made here");
  const std::string mark = test::new_mark();
  const std::string outer = std::filesystem::read_symlink("/proc/self/ns/pid");
  // All of it would strike everybody, were this not in a namespace of its own.
  const auto result =
      test::run({program("sigtimeout"), "--scope=namespace", "-k", ".1", "1", "sh", "-c",
                 "test \"$(readlink /proc/self/ns/pid)\" != '" + outer +
                     "' || exit 1; setsid sleep 1000 & kill -KILL 1; kill -KILL $PPID; "
                     "kill -KILL -1; sleep 1000"},
                {.environment = {mark}, .before_exec = {}, .argv0 = {}});
  CHECK(result.status == exit_status::exited(124));
  CHECK(test::marked_processes(mark).empty());
  test::kill_marked(mark);
}

TEST_CASE("security: a command that sends ALRM or TERM to sigtimeout ends itself") {
  for (const auto& [signal, status] : {std::pair{"ALRM", exit_status::exited(124)},
                                       {"TERM", exit_status::killed(sigkit::sigterm)}}) {
    const std::string mark = test::new_mark();
    const auto result =
        test::run({program("sigtimeout"), "--tree", "-k", "5", "1000", "sh", "-c",
                   "setsid sleep 1000 & kill -" + std::string(signal) + " $PPID; exec sleep 1000"},
                  {.environment = {mark}, .before_exec = {}, .argv0 = {}});
    CHECK(result.status == status);
    CHECK(test::marked_processes(mark).empty());
    test::kill_marked(mark);
  }
}

TEST_CASE("security: a command that stops sigtimeout does not gain time") {
  const std::string mark = test::new_mark();
  test::child running({program("sigtimeout"), "--foreground", "-v", "2", "sh", "-c",
                       "echo ready; kill -STOP $PPID; exec sleep 1000"},
                      {.environment = {mark}, .before_exec = {}, .argv0 = {}});
  running.wait_for_line("ready");
  REQUIRE(test::eventually([&] {
    const auto facts = sigkit::read_process(running.pid());
    return facts && facts->state == 'T';
  }));
  ::poll(nullptr, 0, 2200); // the limit, which is reached meanwhile
  ::kill(running.pid(), SIGCONT);
  const test::stopwatch since;
  CHECK(running.finish() == exit_status::exited(124));
  CHECK(since.less_than(std::chrono::milliseconds(1500)));
  CHECK(test::marked_processes(mark).empty());
}

TEST_CASE(
    "security: a command that takes the supervisor's descriptors away leaves nothing behind") {
  if (SIGKIT_TESTS_SANITIZED) SKIP("a sanitizer takes what it cannot look at for a fault");
  for (const char* files : {"8", "3"}) {
    const std::string mark = test::new_mark();
    const auto result =
        test::run({program("sigtimeout"), "--tree", ".5", "sh", "-c",
                   std::string("prlimit --pid $PPID --nofile=") + files + ":" + files +
                       "; setsid sh -c 'sleep 1000 & sleep 1000' & kill -ALRM $PPID; sleep 1000"},
                  {.environment = {mark}, .before_exec = {}, .argv0 = {}});
    CHECK(result.status == exit_status::exited(125));
    CHECK_FALSE(result.err.empty());
    CHECK_MESSAGE(test::marked_processes(mark).empty(), files);
    test::kill_marked(mark);
  }
}

TEST_CASE("security: the name that a program is called by is escaped") {
  for (const std::string& name : programs) {
    const auto result =
        test::run({program(name), "--bogus"},
                  {.environment = {}, .before_exec = {}, .argv0 = "a\x1b[31m\xc2\x9b\n"});
    CHECK(result.err.find('\x1b') == std::string::npos);
    CHECK(result.err.find("\xc2\x9b") == std::string::npos);
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 2);
  }
}

TEST_CASE("security: a condition matches anybody's processes, a name those of this user") {
  if (::geteuid() != 0) SKIP("only root has another user's process");
  const test::temporary_directory directory;
  const std::string copy = directory.path() + "/nobodys";
  std::filesystem::copy(program("hostile"), copy);
  REQUIRE(::chmod(directory.path().c_str(), 0777) == 0);
  test::child other({copy, "setsid"}, as_nobody);
  REQUIRE(test::eventually([&] {
    const auto status = sigkit::read_status(other.pid());
    return status && status->name == "nobodys" && status->uid == 65534;
  }));
  const auto selected = test::run({program("sigsend"), "--count", "--name", "^nobodys$"});
  CHECK(selected.status == exit_status::exited(0));
  CHECK(test::run({program("sigsend"), "--count", "nobodys"}).status == exit_status::exited(1));
  CHECK(test::run({program("sigsend"), "-KILL", "--tree", std::to_string(other.pid())}).status ==
        exit_status::exited(0));
}

TEST_CASE("security: a report goes where a symbolic link leads") {
  const test::temporary_directory directory;
  const std::string link = directory.path() + "/link";
  const std::string file = directory.path() + "/file";
  std::filesystem::create_symlink(file, link);
  CHECK(test::run({program("sigtimeout"), "--report", link, "60", "true"}).status ==
        exit_status::exited(0));
  CHECK(std::filesystem::file_size(file) > 0);
}

TEST_CASE("security: the sender of a queued signal is what its sender says") {
  test::child waiting({program("sigtrap"), "--wait", "USR1", "--print-pid"});
  waiting.wait_for_line("");
  siginfo_t forged{};
  forged.si_signo = SIGUSR1;
  forged.si_code = SI_QUEUE;
  forged.si_pid = 1;
  REQUIRE(::syscall(SYS_rt_sigqueueinfo, waiting.pid(), SIGUSR1, &forged) == 0);
  CHECK(waiting.finish() == exit_status::exited(0));
  CHECK(waiting.out().find("10 USR1 1 0 SI_QUEUE") != std::string::npos);
}

TEST_CASE("security: without memory nothing is left behind, and no success is claimed") {
  if (SIGKIT_TESTS_SANITIZED) SKIP("a sanitizer needs terabytes of addresses");
  for (rlim_t megabytes = 3; megabytes < 15; ++megabytes) {
    const std::string mark = test::new_mark();
    const auto result = test::run(
        {program("sigtimeout"), "--tree", "-k", "1", ".05", "sh", "-c", "sleep 1000 & sleep 1000"},
        {.environment = {mark},
         .before_exec =
             [megabytes] {
               const rlimit limit{megabytes << 20, megabytes << 20};
               ::setrlimit(RLIMIT_AS, &limit);
             },
         .argv0 = {}});
    const bool did_it = result.status == exit_status::exited(124);
    const bool said_why = result.status != exit_status::exited(0) && !result.err.empty();
    CHECK_MESSAGE((did_it || said_why || result.status.signal()), to_string(result.status));
    CHECK(test::marked_processes(mark).empty());
    test::kill_marked(mark);
  }
}

TEST_CASE("security: no shell reads what is to be executed") {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"sigtimeout", "60"}, {"sigtrap"}, {"sigtrap", "--ignore", "HUP"}}) {
    std::vector<std::string> all = words;
    all[0] = program(all[0]);
    all.emplace_back("echo $(echo shell); echo shell");
    const auto result = test::run(all);
    CHECK(result.status == exit_status::exited(127));
    CHECK(result.out.empty());
  }
  const auto name = test::run({program("sigsend"), "-0", "$(echo 1)"});
  CHECK(name.status == exit_status::exited(1));
}

TEST_CASE("security: variables of the environment change nothing that is done") {
  const run_options hostile{
      .environment = {"SIGTIMEOUT_PID=1", "SIGTIMEOUT_REASON=forged", "SIGTRAP_SIGNAL=forged",
                      "SIGTRAP_COMMAND_PID=1", "SHELL=/bin/false", "IFS=x", "ENV=/nonexistent",
                      "BASH_ENV=/nonexistent", "POSIXLY_CORRECT=1", "LC_ALL=xx_XX",
                      "TMPDIR=/nonexistent", "HOME=/nonexistent"},
      .before_exec = {},
      .argv0 = {}};
  const auto hook = test::run({program("sigtimeout"), "--on-timeout",
                               "echo $SIGTIMEOUT_REASON $SIGTIMEOUT_PID", ".05", "sleep", "1000"},
                              hostile);
  CHECK(hook.status == exit_status::exited(124));
  CHECK(hook.out.starts_with("timed_out "));
  CHECK(hook.out != "timed_out 1\n");
  const auto action = test::run({program("sigtrap"), "--on",
                                 "EXIT=echo $SIGTRAP_SIGNAL $SIGTRAP_STATUS", "sh", "-c", "exit 3"},
                                hostile);
  CHECK(action.status == exit_status::exited(3));
  CHECK(action.out == "EXIT 3\n");
}

/// PATH is where COMMAND is looked for, as execvp(3) does; the others only change how things look.
TEST_CASE("security: no other variables are read than the page says") {
  std::set<std::string> found;
  for (const char* folder : {"/lib/src", "/apps"})
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(SIGKIT_SOURCE_DIR + std::string(folder))) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path());
      const std::string text{std::istreambuf_iterator<char>(file), {}};
      const std::regex call("getenv\\(([^)]*)\\)");
      for (auto at = std::sregex_iterator(text.begin(), text.end(), call);
           at != std::sregex_iterator(); ++at)
        found.insert((*at)[1]);
    }
  CHECK(found == std::set<std::string>{"\"NO_COLOR\"", "\"PATH\"", "\"TERM\""});
}

TEST_CASE("security: no program is set-user-ID or set-group-ID") {
  for (const std::string& name : programs) {
    struct stat file {};
    REQUIRE(::stat(program(name).c_str(), &file) == 0);
    CHECK((file.st_mode & (S_ISUID | S_ISGID)) == 0);
  }
}
