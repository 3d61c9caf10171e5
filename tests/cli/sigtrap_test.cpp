// sigtrap's words, and the forms in which it becomes the command.
#include "cli/sigtrap.hpp"

using namespace test;

namespace {

constexpr const char* help_hint = "Try 'sigtrap --help' for more information.\n";

} // namespace

TEST_CASE("sigtrap sets dispositions and mask and becomes the command") {
  const auto result =
      sigtrap({"--ignore", "HUP,INT", "--ignore=QUIT", "--block", "USR1", probe, "report"});
  CHECK(result.status == exit_status::exited(0));
  CHECK(contains(result.out, "blocked USR1\n"));
  CHECK(contains(result.out, "ignored HUP,INT,QUIT\n"));
  CHECK(contains(result.out, "parent-death 0\n"));
  child same({program("sigtrap"), "--ignore", "HUP", probe, "catch"});
  CHECK(same.wait_for_line("ready") == "ready " + std::to_string(same.pid()));
}

TEST_CASE("sigtrap takes back what was inherited") {
  const auto result = sigtrap({"--ignore", "HUP,INT", "--block", "USR1,USR2", program("sigtrap"),
                               "--default", "all", "--unblock", "USR1", probe, "report"});
  CHECK(contains(result.out, "blocked USR2\n"));
  CHECK(contains(result.out, "ignored \n"));
}

TEST_CASE("--list says what was changed, and what it was before") {
  const auto result = sigtrap({"--ignore", "HUP", "--block", "USR1", program("sigtrap"), "--list",
                               "--ignore", "HUP,INT", "--default", "QUIT", "--unblock", "USR1",
                               "--block", "USR2", "echo", "ran"});
  CHECK(result.out == "ran\n");
  CHECK(result.err == "sigtrap: HUP: ignored, as before\n"
                      "sigtrap: INT: ignored, was default\n"
                      "sigtrap: QUIT: default, as before\n"
                      "sigtrap: USR1: not blocked, was blocked\n"
                      "sigtrap: USR2: blocked, was not blocked\n");
  CHECK(sigtrap({"--list", "-v", "--ignore", "INT", "true"}).err ==
        "sigtrap: INT: ignored, was default\nsigtrap: command 'true': exited 0\n");
}

TEST_CASE("sigtrap becomes the command as PID 1 too") {
  const auto result = run(
      {"unshare", "--pid", "--fork", program("sigtrap"), "--ignore", "HUP", "sh", "-c", "echo $$"});
  if (contains(result.err, "unshare")) SKIP("no PID namespace can be made here");
  CHECK(result.out == "1\n");
}

TEST_CASE("who becomes the command gets a signal when the parent ends") {
  child parent({"sh", "-c", "\"$@\" & wait", "-", program("sigtrap"), "--parent-death", "USR1",
                probe, "catch", "USR1:0"});
  const pid_t command = std::stoi(parent.wait_for_line("ready").substr(6));
  ::kill(parent.pid(), SIGKILL);
  CHECK(parent.wait_for_line("got") == "got USR1");
  CHECK(eventually([=] { return state_of(command) == '-' || state_of(command) == 'Z'; }));
}

TEST_CASE("a sigtrap that stays starts the command with what was inherited, and what is said") {
  const std::vector<std::string> inherited{"--ignore", "HUP,CHLD", "--block", "USR1,CHLD"};
  const auto with = [&](std::vector<std::string> options) {
    std::vector<std::string> words = inherited;
    words.push_back(program("sigtrap"));
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {probe, "report"});
    return sigtrap(words).out;
  };
  const std::string same = with({"--subreaper"});
  CHECK(contains(same, "blocked USR1,CHLD\n"));
  CHECK(contains(same, "ignored HUP,CHLD\n"));
  CHECK(contains(same, "parent-death TERM\n"));
  const std::string changed = with(
      {"--tree", "--default", "CHLD", "--ignore", "USR2", "--unblock", "USR1", "--block", "HUP"});
  CHECK(contains(changed, "blocked HUP,CHLD\n"));
  CHECK(contains(changed, "ignored HUP,USR2\n"));
}

TEST_CASE("sigtrap refuses what cannot be done, and starts nothing") {
  const std::string unknown = " (@forward, @drop, @send:SIG, @exit:N, @kill, or text for sh -c)";
  const std::string no_signal = ": at EXIT and ERR no signal has come, and COMMAND has ended";
  for (const auto& [words, message] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"--ignore", "KILL"}, "'KILL': cannot be caught, blocked or ignored"},
           {{"--block", "STOP"}, "'STOP': cannot be caught, blocked or ignored"},
           {{"--block", "32"}, "'32': kept by the C library for itself"},
           {{"--ignore", "0"}, "'0': not a signal that is ever received"},
           {{"--ignore", "HUP,FOO"}, "'FOO': invalid signal"},
           {{"--ignore", "HUP", "--default", "all"}, "both --ignore and --default: HUP"},
           {{"--block", "HUP", "--unblock", "HUP"}, "both --block and --unblock: HUP"},
           {{"--nonsense"}, "unrecognized option '--nonsense'"},
           {{"--on", "TERM=@foo"}, "unknown action '@foo'" + unknown},
           {{"--on", "TERM=@"}, "unknown action '@'" + unknown},
           {{"--on", "TERM=@send:FOO"}, "'FOO': invalid signal"},
           {{"--on", "TERM=@exit:256"}, "invalid status '256' for @exit (0 to 255)"},
           {{"--on", "TERM=@exit:"}, "the action '@exit:' lacks what comes after the colon"},
           {{"--on", "KILL=echo"}, "'KILL': cannot be caught, blocked or ignored"},
           {{"--on", "TERM,STOP=echo"}, "'STOP': cannot be caught, blocked or ignored"},
           {{"--on", "33=echo"}, "'33': kept by the C library for itself"},
           {{"--on", "0=echo"}, "'0': not a signal that is ever received"},
           {{"--on", "TERM"}, "invalid value 'TERM' for --on (SIGS=ACTION)"},
           {{"--on", "=echo"}, "invalid value '=echo' for --on (SIGS=ACTION)"},
           {{"--on", "TERM=@send:"}, "the action '@send:' lacks what comes after the colon"},
           {{"-r", "TERM:"}, "invalid value 'TERM:' for --rewrite (FROM:TO)"},
           {{"-r", ":TERM"}, "invalid value ':TERM' for --rewrite (FROM:TO)"},
           {{"--on", "TERM="}, "no action in 'TERM=' (@drop is to do nothing)"},
           {{"--on", ""}, "option '--on': the value is empty"},
           {{"--on", "EXIT=@forward"}, "nothing can be forwarded in 'EXIT=@forward'" + no_signal},
           {{"--on", "TERM,err=@forward"},
            "nothing can be forwarded in 'TERM,err=@forward'" + no_signal},
           {{"--on", "EXIT=@kill"},
            "at EXIT and ERR, @send and @kill reach nobody: COMMAND has ended, and the scope is "
            "process"},
           {{"-r", "TERM"}, "invalid value 'TERM' for --rewrite (FROM:TO)"},
           {{"-r", "KILL:TERM"}, "'KILL': cannot be caught, blocked or ignored"},
           {{"-r", "TERM:FOO"}, "'FOO': invalid signal"},
           {{"--rewrite=EXIT:TERM"},
            "invalid value 'EXIT:TERM' for --rewrite: EXIT and ERR are no signals, and go with "
            "--on "
            "alone"},
           {{"--action-limit", "-1"}, "invalid time interval '-1' for --action-limit"},
           {{"--scope", "moon"},
            "invalid scope 'moon' (process, group, session, tree, cgroup, namespace, auto)"},
           {{"--orphans", "eat"}, "invalid value 'eat' for --orphans (leave, wait, kill)"},
           {{"--scope=namespace", "--orphans=leave"},
            "nothing can be left of a namespace: --orphans=leave"},
           {{"--preset", "moon"}, "invalid preset 'moon'; --preset=help lists them"},
           {{"--remap", "300"}, "invalid status '300' for --remap (0 to 255)"},
           {{"--remap", "3=x"}, "invalid status 'x' for --remap (0 to 255)"},
           {{"--parent-death", "FOO"}, "'FOO': invalid signal"},
           {{"--wait", "USR1"}, "--wait takes no COMMAND"},
           {{"--count", "2"}, "--count goes with --wait"},
           {{"--timeout", "2"}, "--timeout goes with --wait"},
           {{"--print-pid"}, "--print-pid goes with --wait"},
           {{"--json"}, "--json goes with --wait"}}) {
    std::vector<std::string> all = words;
    all.insert(all.end(), {"echo", "x"});
    const auto result = sigtrap(all);
    CHECK(result.status == exit_status::exited(125));
    CHECK(result.err == "sigtrap: " + message + "\n" + help_hint);
    CHECK(result.out.empty());
  }
  for (const auto& [words, message] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{}, "missing command"},
           {{"--ignore", "HUP"}, "missing command"},
           {{"--on", "TERM=echo"}, "missing command"},
           {{"--wait", "KILL"}, "'KILL': cannot be caught, blocked or ignored"},
           {{"--wait", "USR1", "--count", "-1"}, "invalid value '-1' for --count"},
           {{"--wait", "USR1", "--count", "x"}, "invalid value 'x' for --count"},
           {{"--wait", "USR1", "--on", "TERM=x"}, "--wait and --on exclude each other"},
           {{"--wait", "USR1", "-v"}, "--wait and --verbose exclude each other"},
           {{"--wait", "USR1", "--ignore", "HUP"},
            "--wait takes no options for the start of a COMMAND"}}) {
    const auto result = sigtrap(words);
    CHECK(result.status == exit_status::exited(125));
    CHECK(result.err == "sigtrap: " + message + "\n" + help_hint);
    CHECK(result.out.empty());
  }
}

TEST_CASE("sigtrap says when the command cannot be run, and runs no action then") {
  for (const std::vector<std::string>& options : {std::vector<std::string>{"--ignore", "HUP"},
                                                  {"--on", "EXIT,ERR=echo action"},
                                                  {"--tree"},
                                                  {"--subreaper"}}) {
    const auto with = [&](const char* command) {
      std::vector<std::string> words = options;
      words.emplace_back(command);
      return sigtrap(words);
    };
    CHECK(with("no-such-program").status == exit_status::exited(127));
    CHECK(with("no-such-program").out.empty());
    const auto denied = with("/tmp");
    CHECK(denied.status == exit_status::exited(126));
    CHECK(denied.out.empty());
    CHECK(denied.err == "sigtrap: failed to run command '/tmp': Permission denied\n");
  }
}
