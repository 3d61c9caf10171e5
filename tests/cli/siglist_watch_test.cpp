// siglist at each change, on a terminal and elsewhere.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include <sigkit/sigkit.hpp>

#include "cli/siglist.hpp"
#include "support/terminal.hpp"

using namespace sigkit;
using namespace test;

namespace {

/// 0 where there is none.
pid_t child_of(pid_t parent, const std::string& name) {
  for (const process_facts& one : all_processes())
    if (one.parent == parent && one.name == name) return one.pid;
  return 0;
}

/// Another screen, without a cursor and wrapped lines; and the usual one.
constexpr std::string_view enters = "\x1b[?1049h\x1b[?25l\x1b[?7l";
constexpr std::string_view leaves = "\x1b[?7h\x1b[?25h\x1b[?1049l";

std::vector<std::string> split(std::string text, const std::string& separator) {
  std::vector<std::string> parts;
  for (std::size_t end = text.find(separator); end != std::string::npos;
       end = text.find(separator)) {
    parts.push_back(text.substr(0, end));
    text.erase(0, end + separator.size());
  }
  parts.push_back(text);
  return parts;
}

} // namespace

TEST_CASE("siglist --watch has a line for each change, until the process ends") {
  child process({probe, "watched"});
  process.wait_for_line("ready");
  const std::string pid = word(process.pid());
  child watcher(siglist_words({"--watch=10ms", "-p", pid}));
  watcher.wait_for_line("20"); // the year
  const auto says = [&](const std::string& text) {
    while (!contains(watcher.out(), text))
      watcher.wait_for_line("20"); // throws where there is none in time
    return true;
  };
  CHECK(says(" " + pid + " probe: USR1 default, blocked; stays pending: blocked\n"));
  ::kill(process.pid(), SIGUSR1);
  CHECK(says(" probe: USR1 default, blocked, pending to the process; stays pending: blocked\n"));
  ::kill(process.pid(), SIGUSR2); // catches TERM from now on
  CHECK(says(" probe: TERM caught; runs its handler\n"));
  ::kill(process.pid(), SIGKILL);
  CHECK(watcher.finish() == exit_status::exited(0));
  CHECK(watcher.out().ends_with(" " + pid + " probe: ended\n"));
  CHECK(watcher.err().empty());
}

TEST_CASE("siglist --watch for scripts and programs") {
  for (const std::string form : {"--plain", "--json"}) {
    child process({probe, "hold", "USR1"});
    process.wait_for_line("ready");
    const std::string pid = word(process.pid());
    child watcher(siglist_words({"--watch=10ms", form, "-p", pid}));
    if (form == "--plain") {
      const std::string line = watcher.wait_for_line("20");
      CHECK(contains(line, "\t" + pid + "\t-\tprobe\t"));
    } else {
      const json line = json::parse(watcher.wait_for_line("{"));
      CHECK(line["schema"] == "sigkit.siglist.change/1");
      CHECK(line["pid"] == process.pid());
      CHECK(line["event"] == "signal");
    }
    ::kill(process.pid(), SIGKILL);
    CHECK(watcher.finish() == exit_status::exited(0));
    const auto lines = lines_of(watcher.out());
    if (form == "--plain") {
      CHECK(lines.back().ends_with("\t-\t-\t-\t-\t-\tended"));
    } else {
      CHECK(json::parse(lines.back())["event"] == "ended");
      CHECK(json::parse(lines.back())["signal"].is_null());
    }
  }
}

TEST_CASE("siglist --watch says what is stopped, and which threads end") {
  child process({probe, "part", "USR1"});
  const std::string thread = process.wait_for_line("thread").substr(7);
  process.wait_for_line("ready");
  const std::string pid = word(process.pid());
  child watcher(siglist_words({"--watch=10ms", "--threads", "--plain", "-p", pid}));
  while (!contains(watcher.wait_for_line("20"), "\t" + thread + "\tprobe\t")) {
  }
  ::kill(process.pid(), SIGSTOP);
  while (!contains(watcher.out(), "\tstopped\n"))
    watcher.wait_for_line("20");
  ::kill(process.pid(), SIGCONT);
  while (!contains(watcher.out(), "\tcontinued\n"))
    watcher.wait_for_line("20");
  ::kill(process.pid(), SIGUSR2); // the second thread ends
  while (!contains(watcher.out(), "\tended\n"))
    watcher.wait_for_line("20");
  CHECK(contains(watcher.out(), "\t" + pid + "\t" + thread + "\tprobe\t"));
  CHECK(lines_of(watcher.out()).back().ends_with("\tended"));
  CHECK(contains(lines_of(watcher.out()).back(), "\t" + thread + "\t"));
}

// The process ends, and another one gets its PID, before siglist looks again.
TEST_CASE("siglist --watch never goes on with another process that got the PID") {
  const std::string script = R"(
probe=$1 siglist=$2 out=$3
echo 1 >/proc/sys/kernel/ns_last_pid || { echo cannot; exit 0; }
for i in 1 2 3 4 5; do sleep 1000 & done
"$probe" hold USR1 >/dev/null & first=$!
until grep -q '^SigBlk:.*200$' /proc/$first/status; do :; done
"$siglist" --plain --watch=10ms -p $first >"$out" & watcher=$!
until grep -q USR1 "$out"; do :; done
kill -STOP $watcher
until grep -q '^State:.T' /proc/$watcher/status; do :; done
kill -KILL $first
wait $first
echo $((first - 1)) >/proc/sys/kernel/ns_last_pid; sleep 1001 & new=$!
[ $new = $first ] || { echo "got $new, not $first"; exit 0; }
kill -CONT $watcher
wait $watcher; echo watcher $?
tail -n 1 "$out" | cut -f12
)";
  const temporary_directory directory;
  const auto result = run({program("sigtimeout"), "--scope", "namespace", "15", "sh", "-c", script,
                           "sh", probe, program("siglist"), directory.path() + "/out"});
  if (contains(result.err, "namespace") || contains(result.out, "cannot"))
    SKIP("no PID namespace can be made here");
  CHECK(result.out == "watcher 0\nended\n");
}

TEST_CASE("siglist --watch ends where nobody reads it any more") {
  child process({probe, "hold", "USR1"});
  process.wait_for_line("ready");
  const auto result =
      run({"bash", "-c", "\"$0\" --watch=1h -p \"$1\" | head -1; echo ${PIPESTATUS[0]}",
           program("siglist"), word(process.pid())},
          {.environment = {}, .before_exec = [] { ::signal(SIGPIPE, SIG_DFL); }, .argv0 = {}});
  CHECK(result.out.ends_with("\n141\n"));
  child usual({"sleep", "1000"}); // with nothing to say
  const auto closed = siglist({"--watch=1h", "-p", word(usual.pid())},
                              {.environment = {}, .before_exec = [] { ::close(1); }, .argv0 = {}});
  CHECK(closed.status == exit_status::exited(1));
  CHECK(closed.err == "siglist: write error on stdout: Bad file descriptor\n");
}

TEST_CASE("siglist --watch ends with the last of its processes, at once where none is left") {
  const pid_t ended = ::fork();
  if (ended == 0) ::_exit(0);
  REQUIRE(eventually([&] { return read_process(ended)->state == 'Z'; }));
  const auto zombie = siglist({"--watch", "-p", word(ended)});
  CHECK(zombie.status == exit_status::exited(0));
  CHECK(contains(zombie.out, ": ended\n"));
  ::waitpid(ended, nullptr, 0);
  const auto none = siglist({"--watch", "-p", "4194305"});
  CHECK(none.status == exit_status::exited(1));
  CHECK(none.err == "siglist: '4194305': No such process\n");
}

TEST_CASE("siglist --watch ends by a signal, unless that was ignored when it was started") {
  child process({probe, "hold", "USR1"});
  process.wait_for_line("ready");
  child watcher(siglist_words({"--watch=10ms", "-p", word(process.pid())}));
  watcher.wait_for_line("20");
  ::kill(watcher.pid(), SIGTERM);
  CHECK(watcher.finish() == exit_status::killed(sigterm));
  child patient(siglist_words({"--watch=10ms", "-p", word(process.pid())}),
                {.environment = {}, .before_exec = [] { set_ignored(sigint); }, .argv0 = {}});
  patient.wait_for_line("20");
  ::kill(patient.pid(), SIGINT);
  ::kill(process.pid(), SIGKILL);
  CHECK(patient.finish() == exit_status::exited(0));
}

TEST_CASE("siglist --watch draws on a terminal, and is a job as any") {
  child process({probe, "hold", "USR1"});
  process.wait_for_line("ready");
  const std::string pid = word(process.pid());
  terminal shell;
  shell.command("export TERM=xterm");
  shell.command("siglist --watch=10ms --color=never -p " + pid);
  shell.wait_for(enters);
  shell.wait_for("stays pending: blocked\r");
  CHECK((shell.modes().c_lflag & ECHO) == 0); // nothing that is typed is shown on it
  ::usleep(100'000);                          // ten looks
  ::kill(process.pid(), SIGUSR1);
  const std::string drawn = shell.wait_for("blocked  process  stays pending: blocked");
  // Only what has changed is drawn; how many signals are queued depends on other tests too.
  const std::vector<std::string> frames = split(drawn, "\x1b[H");
  CHECK(std::ranges::adjacent_find(frames) == frames.end());
  shell.type(ctrl_z);
  shell.wait_for(leaves);
  shell.wait_for("Stopped");
  shell.command("fg");
  shell.wait_for(enters);
  shell.wait_for("blocked  process");
  shell.type(ctrl_c);
  shell.wait_for(leaves);
  CHECK(shell.value_of("$?") == "130");
}

TEST_CASE("siglist --watch leaves the terminal as it was, however it ends") {
  struct ending {
    std::string_view keys;
    int signal; ///< to siglist; 0 and no keys: the process ends
    std::string status;
  };
  for (const auto& [keys, signal, status] :
       {ending{ctrl_c, 0, "130"}, ending{ctrl_backslash, 0, "131"}, ending{"", 0, "0"},
        ending{"", SIGTERM, "143"}, ending{"", SIGUSR1, "138"}, ending{"", SIGRTMIN, "162"}}) {
    child process({probe, "hold", "USR1"});
    process.wait_for_line("ready");
    const std::string pid = word(process.pid());
    terminal shell({"env", "TERM=xterm", "sh", "-c",
                    "trap : INT QUIT; echo before $(stty -g) .; siglist --watch=10ms -p " + pid +
                        "; echo status $?; echo after $(stty -g) ."});
    shell.wait_for("before ");
    const std::string before = shell.wait_for(" .");
    shell.wait_for(enters);
    shell.wait_for("stays pending: blocked");
    if (!keys.empty()) shell.type(keys);
    if (signal != 0) ::kill(child_of(shell.leader(), "siglist"), signal);
    if (keys.empty() && signal == 0) ::kill(process.pid(), SIGKILL);
    shell.wait_for(leaves);
    if (status == "0") { // the last listing stays to be read
      shell.wait_for("stays pending: blocked");
      shell.wait_for("It has ended.");
    }
    shell.wait_for("status " + status);
    shell.wait_for("after ");
    CHECK(shell.wait_for(" .") == before);
  }
}

TEST_CASE("siglist --watch draws nothing in the background, where it ends and goes on as any job") {
  child process({probe, "hold", "USR1"});
  process.wait_for_line("ready");
  terminal shell;
  shell.command("export TERM=xterm");
  shell.command("siglist --watch=10ms -p " + word(process.pid()) + " &");
  REQUIRE(eventually([&] { return child_of(shell.leader(), "siglist") != 0; }));
  const pid_t job = child_of(shell.leader(), "siglist");
  CHECK(eventually([&] { return read_process(job)->state == 'S'; }));
  ::usleep(100'000); // ten looks
  CHECK(read_process(job)->state != 'T');
  shell.command("fg");
  shell.wait_for(enters);
  shell.wait_for("stays pending: blocked");
  ::kill(job, SIGSTOP);
  shell.wait_for("Stopped");
  shell.command("bg");
  REQUIRE(eventually([&] { return read_process(job)->state != 'T'; }));
  ::kill(job, SIGTERM);
  shell.wait_for(leaves);
  shell.type("\n"); // another prompt
  shell.command("wait " + word(job));
  CHECK(shell.value_of("$?") == "143");
}

TEST_CASE("siglist --watch that writes to one that does not read ends by a signal") {
  child process({probe, "catch"});
  process.wait_for_line("ready");
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  REQUIRE(::fcntl(ends[1], F_SETPIPE_SZ, 4096) == 4096);
  child watcher(siglist_words({"--watch=10ms", "--threads", "--every", "-p", word(process.pid())}),
                {.environment = {}, .before_exec = [&] { ::dup2(ends[1], 1); }, .argv0 = {}});
  ::close(ends[1]);
  int size = 0;
  const auto is_full = [&] { return ::ioctl(ends[0], FIONREAD, &size) == 0 && size >= 3900; };
  CHECK(eventually(is_full));
  ::kill(watcher.pid(), SIGTERM);
  CHECK(watcher.finish() == exit_status::killed(sigterm));
  ::close(ends[0]);
}

TEST_CASE("siglist --watch draws no more than the screen has room for") {
  child process({probe, "catch"});
  process.wait_for_line("ready");
  terminal shell;
  shell.command("export TERM=xterm; stty rows 12 cols 60");
  shell.command("siglist --watch=10ms --color=never -p " + word(process.pid()));
  shell.wait_for(enters);
  const std::string drawn = shell.wait_for("lines more");
  CHECK(std::ranges::count(drawn, '\n') == 11);
  shell.type(ctrl_c);
  CHECK(shell.value_of("$?") == "130");
}
