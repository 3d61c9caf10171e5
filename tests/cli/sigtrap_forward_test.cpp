// What sigtrap hands on to the command, over which scope, and what follows.
#include <unistd.h>

#include <sigkit/signal_set.hpp>

#include "cli/sigtrap.hpp"

using namespace test;
using sigkit::signal_id;
using sigkit::signal_set;

namespace {

/// A job of shell commands behind sigtrap, what of it is left being killed at the end.
class trapped_shell : public child {
public:
  trapped_shell(std::vector<std::string> options, const std::string& script)
      : trapped_shell(std::move(options), script, new_mark()) {}
  ~trapped_shell() { kill_marked(mark_); }
  void send(int signal) const { REQUIRE(::kill(pid(), signal) == 0); }
  [[nodiscard]] std::vector<std::string> left() const { return marked_processes(mark_); }
  [[nodiscard]] bool nothing_is_left() const {
    return eventually([this] { return left().empty(); });
  }

private:
  trapped_shell(std::vector<std::string> options, const std::string& script, std::string mark)
      : child(all_words(std::move(options), script),
              {.environment = {mark}, .before_exec = {}, .argv0 = {}}),
        mark_(std::move(mark)) {}
  static std::vector<std::string> all_words(std::vector<std::string> options,
                                            const std::string& script) {
    options.insert(options.end(), {"sh", "-c", script, "-", probe});
    return sigtrap_words(std::move(options));
  }
  std::string mark_;
};

} // namespace

TEST_CASE("each signal that can be forwarded is, once, and is followed by nothing") {
  trapped job({}, {"catch", "TERM:0"});
  const signal_set never{sigkit::sigkill, sigkit::sigstop, sigkit::sigchld, sigkit::sigttin,
                         sigkit::sigttou, sigkit::sigtstp, sigkit::sigterm};
  for (int number = 1; number <= signal_id::highest; ++number) {
    const signal_id signal(number);
    if (never.contains(signal) || signal.is_reserved()) continue;
    job.send(number);
    CHECK(job.wait_for_line("got ") == "got " + signal.name());
  }
  for (const int number : {SIGCHLD, SIGTTIN, SIGTTOU, SIGTERM})
    job.send(number);
  CHECK(job.finish() == exit_status::exited(0));
  CHECK_FALSE(contains(job.out(), "got CHLD"));
  CHECK(count_lines(job.out(), "got CONT") == 1);
}

TEST_CASE(
    "signals that are ignored by inheritance are forwarded to who catches them all the same") {
  trapped job({}, {"catch", "HUP:3"},
              {.environment = {}, .before_exec = [] { ::signal(SIGHUP, SIG_IGN); }, .argv0 = {}});
  job.send(SIGHUP);
  CHECK(job.finish() == exit_status::exited(3));
}

TEST_CASE("queued signals arrive with their values, in order, and with their sender") {
  constexpr int count = 1000;
  {
    trapped job({}, {"values", "RTMIN+3"});
    for (int i = 0; i < count; ++i)
      job.queue(SIGRTMIN + 3, i);
    job.queue(SIGRTMIN + 3, -1);
    CHECK(job.finish() == exit_status::exited(0));
    std::string wanted = "ready " + std::to_string(job.command()) + "\n";
    for (int i = 0; i < count; ++i)
      wanted += "value " + std::to_string(i) + "\n";
    CHECK(job.out() == wanted + "value -1\n");
  }
  child job(sigtrap_words({"-v", program("sigtrap"), "--wait", "USR1", "--print-pid"}));
  job.wait_for_line("");
  REQUIRE(::sigqueue(job.pid(), SIGUSR1, {42}) == 0);
  CHECK(job.finish() == exit_status::exited(0));
  CHECK(contains(job.out(), "\n10 USR1 " + std::to_string(::getpid()) + " " +
                                std::to_string(::getuid()) + " SI_QUEUE 42\n"));
}

TEST_CASE("what the command's queue has no room for is forwarded when it has") {
  child job(sigtrap_words({"prlimit", "--sigpending=5", probe, "values", "RTMIN"}),
            {.environment = {}, .before_exec = [] { ::setsid(); }, .argv0 = {}});
  const pid_t command = std::stoi(job.wait_for_line("ready").substr(6));
  REQUIRE(::kill(command, SIGSTOP) == 0);
  REQUIRE(comes_to(command, 'T'));
  std::string wanted = "ready " + std::to_string(command) + "\n";
  for (int i = 0; i < 20; ++i) {
    REQUIRE(::sigqueue(job.pid(), SIGRTMIN, {i}) == 0);
    wanted += "value " + std::to_string(i) + "\n";
  }
  REQUIRE(::sigqueue(job.pid(), SIGRTMIN, {-1}) == 0);
  REQUIRE(::kill(command, SIGCONT) == 0);
  CHECK(job.finish() == exit_status::exited(0));
  CHECK(job.out() == wanted + "value -1\n");
}

TEST_CASE("the scope says whom a signal reaches") {
  const std::string script = "\"$1\" catch USR1:0 USR2:0 & setsid \"$1\" catch USR1:0 USR2:0 & "
                             "trap 'echo shell' USR1; exec >&2; wait; wait; wait";
  struct wanted {
    const char* scope;
    int reached;
  };
  for (const wanted& one :
       {wanted{"process", 0}, wanted{"group", 1}, wanted{"session", 1}, wanted{"tree", 2},
        wanted{"cgroup", 2}, wanted{"auto", 2}, wanted{"namespace", 2}}) {
    CAPTURE(one.scope);
    trapped_shell job({"--scope", one.scope}, "trap '' USR2; " + script);
    try {
      job.wait_for_line("ready");
      job.wait_for_line("ready");
    } catch (const std::exception&) {
      CHECK(job.finish() == exit_status::exited(125));
      CHECK_MESSAGE(contains(job.err(), one.scope == std::string("cgroup") ? "cgroup" : "unshare"),
                    job.err());
      continue;
    }
    job.send(SIGUSR2);
    for (int i = 0; i < one.reached; ++i)
      job.wait_for_line("got USR2");
    job.send(SIGTERM);
    if (one.reached == 2) job.finish(); // and its cgroup is removed
    const std::string out = job.out();
    CHECK(count_lines(out, "got USR2") == one.reached);
  }
}

TEST_CASE("a value goes to each member of a scope") {
  const std::string script = "trap '' USR1; \"$1\" values USR1 & \"$1\" values USR1 & "
                             "trap : USR1; wait; wait; wait; wait; wait; wait; exit 0";
  for (const char* scope : {"group", "session", "tree"}) {
    CAPTURE(scope);
    trapped_shell job({"--scope", scope, "--orphans=leave"}, script);
    job.wait_for_line("ready");
    job.wait_for_line("ready");
    REQUIRE(::sigqueue(job.pid(), SIGUSR1, {17}) == 0);
    job.wait_for_line("value 17");
    job.wait_for_line("value 17");
    REQUIRE(::sigqueue(job.pid(), SIGUSR1, {-1}) == 0);
    job.finish();
    CHECK(count_lines(job.out(), "value -1") == 2);
  }
}

TEST_CASE("a ladder starts after TERM, INT and HUP, and after what stands for TERM") {
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    trapped job({"--then", "10ms:USR1", "--then", "500ms:KILL"}, {"catch"});
    job.send(number);
    CHECK(job.finish() == exit_status::killed(sigkit::sigkill));
    const std::string first = "got " + signal_id(number).name() + "\n";
    CHECK(contains(job.out(), first));
    CHECK(contains(job.out(), "got USR1\n"));
  }
  for (const char* rule : {"TERM:QUIT", "USR2:TERM"}) {
    trapped job({"-r", rule, "--preset", "ctest"}, {"catch"});
    job.send(rule == std::string("TERM:QUIT") ? SIGTERM : SIGUSR2);
    CHECK(job.finish() == exit_status::killed(sigkit::sigkill));
    CHECK(count_lines(job.out(), "got TERM") == (rule == std::string("USR2:TERM") ? 1 : 0));
  }
}

TEST_CASE("no ladder starts after other signals, nor after one that is ignored from the start") {
  trapped job({"--then", "0:KILL", "-r", "HUP:USR2", "--ignore", "INT"}, {"catch", "QUIT:6"});
  job.send(SIGUSR1);
  job.wait_for_line("got USR1");
  job.send(SIGHUP);
  job.wait_for_line("got USR2");
  job.send(SIGINT);
  job.wait_for_line("got INT");
  job.send(SIGQUIT);
  CHECK(job.finish() == exit_status::exited(6));
}

TEST_CASE("a second signal goes to the command during the ladder, which goes on") {
  trapped job({"--then", "300ms:USR1", "--then", "300ms:KILL"}, {"catch"});
  job.send(SIGTERM);
  job.wait_for_line("got TERM");
  job.send(SIGTERM);
  job.wait_for_line("got TERM");
  CHECK(job.finish() == exit_status::killed(sigkit::sigkill));
  CHECK(count_lines(job.out(), "got USR1") == 1);
}

TEST_CASE("a tree is not killed as long as the command runs, where no step says so") {
  trapped_shell job({"--tree"}, "trap 'echo term; sleep 6; echo drained; exit 4' TERM; "
                                "setsid \"$1\" ignore TERM & wait; wait");
  job.wait_for_line("ready");
  job.send(SIGTERM);
  job.wait_for_line("drained"); // longer than the 5 s after which KILL would come
  CHECK(job.finish() == exit_status::exited(4));
  CHECK(job.nothing_is_left());
}

TEST_CASE("what is left when the command ends is left, waited for or ended") {
  const std::string script = "setsid sleep 1000 & setsid sh -c 'sleep .3; echo late' & exit 3";
  const auto with = [&](std::vector<std::string> options) {
    trapped_shell job(std::move(options), script);
    CHECK(job.finish() == exit_status::exited(3));
    return std::pair{job.left().size(), contains(job.out(), "late")};
  };
  CHECK(with({"--tree"}) == std::pair{std::size_t{0}, false});
  CHECK(with({"--orphans=kill"}) == std::pair{std::size_t{0}, false});
  trapped_shell waiting({"--orphans=wait", "--then", "0:KILL"},
                        "setsid \"$1\" ignore HUP & exit 3");
  waiting.wait_for_line("ready");
  waiting.send(SIGTERM);
  CHECK(waiting.finish() == exit_status::exited(3));
  CHECK(waiting.left().empty());
  trapped_shell leaving({"--orphans=leave"}, "setsid sleep 1000 >/dev/null 2>&1 & exit 3");
  CHECK(leaving.finish() == exit_status::exited(3));
  CHECK(leaving.left().size() == 1);
}

TEST_CASE("a wait for what is left is not ended by a TERM that it ignores, without steps") {
  trapped_shell job({"--orphans=wait"},
                    "setsid sh -c 'trap \"\" TERM; echo ready; sleep .5; echo late' & exit 3");
  job.wait_for_line("ready");
  job.send(SIGTERM);
  CHECK(job.finish() == exit_status::exited(3));
  CHECK(contains(job.out(), "late\n"));
}

TEST_CASE("statuses: the command's own, its signal, or what --remap makes of it") {
  CHECK(sigtrap({"sh", "-c", "exit 7"}).status == exit_status::exited(7));
  CHECK(sigtrap({"sh", "-c", "kill -USR1 $$"}).status == exit_status::killed(sigkit::sigusr1));
  CHECK(sigtrap({"sh", "-c", "kill -KILL $$"}).status == exit_status::killed(sigkit::sigkill));
  const std::vector<std::string> remaps{"--remap", "143", "--remap=7=8", "sh", "-c"};
  const auto remapped = [&](const char* script) {
    std::vector<std::string> words = remaps;
    words.emplace_back(script);
    return sigtrap(words).status;
  };
  CHECK(remapped("kill -TERM $$") == exit_status::exited(0));
  CHECK(remapped("exit 143") == exit_status::exited(0));
  CHECK(remapped("exit 7") == exit_status::exited(8));
  CHECK(remapped("exit 8") == exit_status::exited(8));
  CHECK(remapped("kill -HUP $$") == exit_status::killed(sigkit::sighup));
}

TEST_CASE("the command gets a signal when sigtrap's own parent ends, over the scope") {
  const std::string mark = new_mark();
  for (const char* signal : {"USR1", "KILL"}) {
    child parent({"sh", "-c", "\"$@\" & sleep 1000; :", "-", program("sigtrap"), "--tree",
                  "--parent-death", signal, "sh", "-c",
                  "setsid \"$1\" catch USR1:0 & exec \"$1\" catch USR1:0", "-", probe},
                 {.environment = {mark}, .before_exec = {}, .argv0 = {}});
    parent.wait_for_line("ready");
    parent.wait_for_line("ready");
    ::kill(parent.pid(), SIGKILL);
    if (signal == std::string("USR1")) {
      parent.wait_for_line("got USR1");
      parent.wait_for_line("got USR1");
    }
    // The parent's `sleep` is none of sigtrap's.
    CHECK(eventually([&] { return marked_processes(mark).size() == 1; }));
    kill_marked(mark);
  }
}

TEST_CASE("a command that answers TERM by signalling its whole group gets no second one") {
  trapped_shell job({"-v", "--on", "RTMIN=@send:USR1"},
                    "trap 'trap : TERM; kill 0; kill -34 $PPID' TERM; trap 'exit 3' USR1; echo up; "
                    "while :; do sleep .02; done");
  job.wait_for_line("up");
  job.send(SIGTERM);
  CHECK(job.finish() == exit_status::exited(3));
  CHECK(count_lines(job.err(), "sigtrap: sending signal TERM to command 'sh'") == 1);
  CHECK(contains(job.err(), "signal TERM is not forwarded: command 'sh' has it\n"));
}

TEST_CASE("what a command sends to sigtrap comes back") {
  CHECK(sigtrap({"sh", "-c", "trap 'exit 5' TERM; kill -TERM $PPID; while :; do sleep .02; done"})
            .status == exit_status::exited(5));
}

TEST_CASE("sigtrap stops with the command, and goes on with it") {
  const auto own_group = [] { ::setpgid(0, 0); };
  trapped job({}, {"ignore", "HUP"}, {.environment = {}, .before_exec = own_group, .argv0 = {}});
  // By a signal to sigtrap, which continues both.
  job.send(SIGTSTP);
  CHECK(comes_to(job.command(), 'T'));
  CHECK(comes_to(job.pid(), 'T'));
  job.send(SIGCONT);
  CHECK(comes_to(job.command(), 'S'));
  CHECK(comes_to(job.pid(), 'S'));
  // By one to the command, and continued alone.
  REQUIRE(::kill(job.command(), SIGSTOP) == 0);
  CHECK(comes_to(job.pid(), 'T'));
  REQUIRE(::kill(job.command(), SIGCONT) == 0);
  CHECK(comes_to(job.command(), 'S'));
  CHECK(comes_to(job.pid(), 'S'));
  // One that is killed while it stands still.
  REQUIRE(::kill(job.command(), SIGSTOP) == 0);
  CHECK(comes_to(job.pid(), 'T'));
  REQUIRE(::kill(job.command(), SIGKILL) == 0);
  CHECK(job.finish() == exit_status::killed(sigkit::sigkill));
}

TEST_CASE("a STOP of sigtrap's own stops the command alone, and a ladder goes on") {
  const auto own_group = [] { ::setpgid(0, 0); };
  trapped job({"-r", "USR1:STOP", "-r", "USR2:CONT"}, {"catch", "TERM:3"},
              {.environment = {}, .before_exec = own_group, .argv0 = {}});
  for (int i = 0; i < 2; ++i) {
    job.send(SIGUSR1);
    CHECK(comes_to(job.command(), 'T'));
    job.send(SIGUSR2);
    CHECK(comes_to(job.command(), 'S'));
  }
  job.send(SIGTERM);
  CHECK(job.finish() == exit_status::exited(3));
  trapped climbing({"--then", "10ms:STOP", "--then", "100ms:KILL"}, {"ignore", "TERM"},
                   {.environment = {}, .before_exec = own_group, .argv0 = {}});
  climbing.send(SIGTERM);
  CHECK(climbing.finish() == exit_status::killed(sigkit::sigkill));
}

TEST_CASE("a command that stands still by sigtrap's own STOP can be ended") {
  for (const char* scope : {"process", "group", "session", "tree"}) {
    CAPTURE(scope);
    trapped job({"--scope", scope, "-r", "USR1:STOP"}, {"catch", "TERM:3"},
                {.environment = {}, .before_exec = [] { ::setsid(); }, .argv0 = {}});
    job.send(SIGUSR1);
    CHECK(comes_to(job.command(), 'T'));
    job.send(SIGTERM);
    CHECK(job.finish() == exit_status::exited(3));
  }
}

TEST_CASE("after STOP was sent to its group, sigtrap signals that group and no other") {
  // The test's own group gets TERM where it does not.
  trapped_shell job({"--scope", "group", "-r", "USR1:STOP"},
                    "trap 'wait; exit 4' TERM; \"$1\" catch TERM:0 & wait; wait");
  job.wait_for_line("ready");
  job.send(SIGUSR1);
  job.send(SIGCONT);
  job.send(SIGTERM);
  CHECK(job.finish() == exit_status::exited(4));
}

TEST_CASE("a command that reloads itself by HUP twice gets both") {
  CHECK(sigtrap({"sh", "-c",
                 "n=0; trap 'n=$((n+1))' HUP; for i in 1 2; do kill -HUP $PPID; "
                 "while [ $n -lt $i ]; do sleep .02; done; done; exit $n"})
            .status == exit_status::exited(2));
}

TEST_CASE("in an orphaned group, which nobody could continue, sigtrap goes on to watch") {
  trapped job({}, {"catch", "TERM:3"},
              {.environment = {}, .before_exec = [] { ::setsid(); }, .argv0 = {}});
  REQUIRE(::kill(job.command(), SIGSTOP) == 0);
  CHECK(comes_to(job.command(), 'T'));
  job.send(SIGTERM);
  CHECK(job.finish() == exit_status::exited(3));
}

TEST_CASE("a KILL over the tree is the last that its ladder sends") {
  trapped_shell job({"-v", "--tree", "--then", "100ms:KILL"},
                    "setsid \"$1\" ignore TERM & exec \"$1\" ignore TERM");
  job.wait_for_line("ready");
  job.wait_for_line("ready");
  job.send(SIGTERM);
  CHECK(job.finish() == exit_status::killed(sigkit::sigkill));
  const std::string name = " to the tree of command 'sh'";
  CHECK(count_lines(job.err(), "sigtrap: sending signal TERM" + name) == 1);
  CHECK(job.left().empty());
}

TEST_CASE("sigtrap's children from before its start are not taken for the command's") {
  const auto result =
      run({"sh", "-c", "sleep 1000 >&- 2>&- & echo $! >&2; exec \"$@\"", "-", program("sigtrap"),
           "--tree", "--init", "sh", "-c", "setsid sleep 1000 & exit 3"});
  CHECK(result.status == exit_status::exited(3));
  const pid_t before = std::stoi(result.err);
  CHECK(state_of(before) == 'S');
  ::kill(before, SIGKILL);
}
