// sigtrap as PID 1, and as a subreaper.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "cli/sigtrap.hpp"
#include "support/job.hpp"

using namespace test;
using test::contains;

namespace {

std::vector<std::string> as_first(std::vector<std::string> words,
                                  std::vector<std::string> before = {}) {
  std::vector<std::string> all{"unshare", "--pid", "--fork", "--mount-proc"};
  all.insert(all.end(), before.begin(), before.end());
  all.push_back(program("sigtrap"));
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

bool has_namespaces() {
  static const bool has =
      run({"unshare", "--pid", "--fork", "--mount-proc", "true"}).status == exit_status::exited(0);
  return has;
}

/// 2,000 processes whose parents end before them, waited for; then how many zombies there are.
const std::string orphans = "i=0; while [ $i -lt 2000 ]; do (sleep .02 &); i=$((i+1)); done; "
                            "while pidof sleep >/dev/null; do sleep .1; done; "
                            "ended=$(cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z '); "
                            "echo zombies $ended; exit 4";

} // namespace

TEST_CASE("as PID 1 sigtrap reaps 2,000 orphans") {
  if (!has_namespaces()) SKIP("no PID namespace can be made here");
  const auto result = run(as_first({"sh", "-c", orphans}));
  CHECK(result.out == "zombies 0\n");
  CHECK(result.status == exit_status::exited(4));
  CHECK(result.err.empty());
}

TEST_CASE("as a subreaper sigtrap reaps 2,000 orphans, whatever implies it") {
  for (const char* option : {"--subreaper", "--init", "--tree", "--scope=session"}) {
    CAPTURE(option);
    const std::string some = "i=0; while [ $i -lt 500 ]; do (sleep .01 &); i=$((i+1)); done; "
                             "sleep .2; ps -o stat= --ppid $PPID | grep -c Z; exit 4";
    const auto result = sigtrap({option, "sh", "-c", some});
    CHECK(result.out == "0\n");
    CHECK(result.status == exit_status::exited(4));
  }
  const std::string all = "i=0; while [ $i -lt 2000 ]; do (sleep .01 &); i=$((i+1)); done; "
                          "sleep .5; ps -o stat= --ppid $PPID | grep -c Z; exit 4";
  CHECK(sigtrap({"--subreaper", "sh", "-c", all}).out == "0\n");
}

TEST_CASE("as PID 1 sigtrap forwards, returns the status, and ends with 128 and the signal") {
  if (!has_namespaces()) SKIP("no PID namespace can be made here");
  const std::string ends = "trap 'exit 9' TERM; kill -TERM 1; while :; do sleep .02; done";
  CHECK(run(as_first({"sh", "-c", ends})).status == exit_status::exited(9));
  CHECK(run(as_first({"sh", "-c", "kill -USR1 $$"})).status == exit_status::exited(138));
  CHECK(run(as_first({"sh", "-c", "kill -KILL 1; exit 5"})).status == exit_status::exited(5));
  CHECK(run(as_first({"no-such-program"})).status == exit_status::exited(127));
  // From outside of the namespace.
  child job(as_first({"-v", probe, "catch", "TERM:6"}));
  job.wait_for_line("ready");
  const std::string children =
      "/proc/" + std::to_string(job.pid()) + "/task/" + std::to_string(job.pid()) + "/children";
  std::ifstream file(children);
  pid_t first = 0;
  file >> first;
  REQUIRE(first > 0);
  REQUIRE(::kill(first, SIGTERM) == 0);
  CHECK(job.finish() == exit_status::exited(6));
  CHECK(contains(job.err(), "received signal TERM from outside this PID namespace"));
}

TEST_CASE("as PID 1 in another's namespace without a /proc of its own it works all the same") {
  if (!has_namespaces()) SKIP("no PID namespace can be made here");
  const auto result = run({"unshare", "--pid", "--fork", program("sigtrap"), "sh", "-c",
                           "(sleep .1 &); trap 'exit 3' USR1; kill -USR1 1; sleep 1"});
  CHECK(result.status == exit_status::exited(3));
  CHECK(run({"unshare", "--pid", "--fork", program("sigtrap"), "--tree", "echo", "x"}).err ==
        "sigtrap: finding what the command starts: /proc does not show this PID namespace: No such "
        "file or directory\n");
}

TEST_CASE("as PID 1 with children from before, all are reaped, and the command's tree is ended") {
  if (!has_namespaces()) SKIP("no PID namespace can be made here");
  for (const char* options : {"--init", "--tree", "--orphans=kill"}) {
    CAPTURE(options);
    const auto result = run(
        as_first({"sh", "-c",
                  "i=0; while [ $i -lt 100 ]; do (sleep .01 &); i=$((i+1)); done; sleep .3; "
                  "cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z '; setsid sleep 1000 & exit 2"},
                 {"sh", "-c", "(sleep .05 & sleep .1 &) ; sleep .2 & exec \"$@\"", "-"}));
    CHECK(result.out == "0\n");
    CHECK(result.status == exit_status::exited(2));
  }
}

TEST_CASE("as PID 1 with the tree nothing is left before EXIT is done") {
  if (!has_namespaces()) SKIP("no PID namespace can be made here");
  const auto result =
      run(as_first({"--tree", "--on", "EXIT=pidof sleep; echo last", "sh", "-c",
                    "setsid sleep 1000 & (trap '' TERM; exec sleep 1000) & exit 2"}));
  CHECK(result.status == exit_status::exited(2));
  CHECK(result.out == "last\n");
}

TEST_CASE("a parent that ignores CHLD, and whatever mask there is, change nothing") {
  const run_options odd{.environment = {},
                        .before_exec =
                            [] {
                              ::signal(SIGCHLD, SIG_IGN);
                              sigset_t all;
                              ::sigfillset(&all);
                              ::sigprocmask(SIG_SETMASK, &all, nullptr);
                            },
                        .argv0 = {}};
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{}, {"--init"}, {"--tree"}, {"--on", "EXIT=true"}}) {
    std::vector<std::string> words = options;
    words.insert(words.end(), {"sh", "-c", "(sleep .05 &); sleep .1; exit 6"});
    CHECK(sigtrap(words, odd).status == exit_status::exited(6));
  }
}

TEST_CASE("PID 1 on a terminal gives it to the command") {
  if (!has_namespaces()) SKIP("no PID namespace can be made here");
  // The leader of the session, as a container's first process is.
  terminal screen(as_first({"bash", "--norc", "--noprofile", "-i"}));
  screen.wait_for(terminal::prompt);
  screen.type("probe ignore USR1\r");
  screen.wait_for_ready();
  screen.type(ctrl_c);
  CHECK(screen.value_of("$?") == "130");
  screen.command("probe ignore USR1");
  screen.wait_for_ready();
  screen.type(ctrl_z);
  screen.wait_for("Stopped");
  CHECK(screen.value_of("$?") == "148");
  screen.command("exec sh -c 'exit 7'");
  CHECK(screen.finish() == exit_status::exited(7));
}

TEST_CASE("PID 1 takes a terminal that is nobody's for the command") {
  if (!has_namespaces()) SKIP("no PID namespace can be made here");
  const sigkit::unique_fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  REQUIRE(master.has_value());
  REQUIRE(::grantpt(master.get()) == 0);
  REQUIRE(::unlockpt(master.get()) == 0);
  const std::string name = ::ptsname(master.get());
  const auto result =
      run(as_first({"sh", "-c", "echo $(ps -o tpgid=,pgid= -p $$); : </dev/tty && echo ok"}),
          {.environment = {},
           .before_exec =
               [&] {
                 ::setsid();
                 ::dup2(::open(name.c_str(), O_RDWR | O_NOCTTY), STDIN_FILENO);
               },
           .argv0 = {}});
  CHECK(result.out == "1 1\nok\n");
}

TEST_CASE("nginx as the child of PID 1: TERM as QUIT drains it, USR1 reopens its logs") {
  if (!has_namespaces()) SKIP("no PID namespace can be made here");
  if (run({"sh", "-c", "command -v nginx || test -x /usr/sbin/nginx"}).status !=
      exit_status::exited(0))
    SKIP("there is no nginx");
  const temporary_directory folder;
  const std::string& path = folder.path();
  REQUIRE(::chmod(path.c_str(), 0755) == 0);
  const std::string log = path + "/access.log";
  std::ofstream(path + "/nginx.conf")
      << "daemon off; pid " << path << "/pid; error_log " << path << "/error.log notice;\n"
      << "events {}\nhttp { access_log " << log << ";\n"
      << "client_body_temp_path " << path << "/b; proxy_temp_path " << path << "/p;\n"
      << "fastcgi_temp_path " << path << "/f; uwsgi_temp_path " << path << "/u;\n"
      << "scgi_temp_path " << path << "/s;\n"
      << "server { listen unix:" << path << "/socket; return 200 ok; } }\n";
  const auto text_of = [](const std::string& name) {
    std::ifstream file(name);
    return std::string{std::istreambuf_iterator<char>(file), {}};
  };
  child job(as_first({"-v", "-r", "TERM:QUIT", "--preset", "docker", "--on",
                      "EXIT=echo nginx has ended: $SIGTRAP_STATUS", "/usr/sbin/nginx", "-p", path,
                      "-c", path + "/nginx.conf"}));
  REQUIRE(
      eventually([&] { return contains(text_of(path + "/error.log"), "start worker process"); }));
  std::ifstream children("/proc/" + std::to_string(job.pid()) + "/task/" +
                         std::to_string(job.pid()) + "/children");
  pid_t first = 0;
  children >> first;
  REQUIRE(first > 0);
  // Its log is moved away, and opened anew.
  REQUIRE(::rename(log.c_str(), (log + ".1").c_str()) == 0);
  REQUIRE(::kill(first, SIGUSR1) == 0);
  CHECK(eventually([&] { return ::access(log.c_str(), F_OK) == 0; }));
  REQUIRE(::kill(first, SIGTERM) == 0);
  CHECK(job.finish() == exit_status::exited(0));
  CHECK(job.out() == "nginx has ended: 0\n");
  CHECK(contains(job.err(), "sigtrap: sending signal QUIT to command '/usr/sbin/nginx'\n"));
  CHECK(contains(text_of(path + "/error.log"), "gracefully shutting down"));
  CHECK(::access((path + "/pid").c_str(), F_OK) != 0);
}
