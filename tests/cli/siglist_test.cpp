#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "cli/siglist.hpp"

using namespace test;

TEST_CASE("siglist shows every signal, a row each") {
  const auto result = siglist({"--plain"});
  CHECK(result.status == exit_status::exited(0));
  CHECK(std::ranges::count(result.out, '\n') == 64);
  CHECK(result.out.find("15\tTERM\tterminate\t") != std::string::npos);
  CHECK(result.out.find("\n32\t32\tterminate\t") != std::string::npos);
  CHECK(result.out.find("\n19\tSTOP\tstop\t") != std::string::npos);
  const auto for_person = siglist({});
  CHECK(std::ranges::count(for_person.out, '\n') == 65);
  CHECK(for_person.out.find("\n15  TERM      terminate  ") != std::string::npos);
}

TEST_CASE("siglist translates names, numbers, statuses and masks") {
  const auto result =
      siglist({"TERM", "sigint", "9", "137", "265", "0", "0x4002", "RTMIN+1", "IOT", "exit"});
  CHECK(result.status == exit_status::exited(0));
  CHECK(result.out == "15\n2\nKILL\nKILL\nKILL\nEXIT\nINT\nTERM\n35\n6\n0\n");
}

TEST_CASE("siglist names what is unknown and prints the rest") {
  const auto result = siglist({"FOO", "TERM", "66", "0x", "-1"});
  CHECK(result.status == exit_status::exited(2)); // -1 is no option
  const auto rest = siglist({"--", "FOO", "TERM", "66", "0x", "0x10000000000000000", "-1"});
  CHECK(rest.status == exit_status::exited(1));
  CHECK(rest.out == "15\n");
  CHECK(rest.err == "siglist: 'FOO': unknown signal\nsiglist: '66': unknown signal\n"
                    "siglist: '0x': invalid mask (hexadecimal, at most 64 bits)\n"
                    "siglist: '0x10000000000000000': invalid mask (hexadecimal, at most 64 bits)\n"
                    "siglist: '-1': unknown signal\n");
}

TEST_CASE("siglist describes single signals") {
  const auto result = siglist({"--describe", "--plain", "KILL", "0x1"});
  CHECK(result.out ==
        "9\tKILL\tterminate\tends at once; cannot be caught, blocked or ignored\n"
        "1\tHUP\tterminate\tterminal closed; daemons read their configuration again\n");
  const auto exit = siglist({"--describe", "--plain", "EXIT", "KILL"});
  CHECK(exit.status == exit_status::exited(1));
  CHECK(exit.err == "siglist: 'EXIT': no signal\n");
  CHECK(exit.out.starts_with("9\tKILL"));
}

TEST_CASE("siglist says what an exit status means") {
  const auto result = siglist(
      {"--status", "0", "3", "124", "125", "126", "127", "128", "137", "160", "192", "193", "255"});
  CHECK(result.status == exit_status::exited(0));
  CHECK(result.out == "exited 0\nexited 3\n124: timed out, as timeout(1) has it\n"
                      "125: timeout(1), env(1) or another that runs commands failed itself\n"
                      "126: the command was found, but cannot be executed\n"
                      "127: the command was not found\nexited 128\nkilled by SIGKILL\n"
                      "killed by signal 32\nkilled by SIGRTMAX\nexited 193\nexited 255\n");
}

TEST_CASE("siglist says what a raw wait status means, as the kernel stores it") {
  CHECK(siglist({"--status", "0x8b", "0x0b", "0x300", "0X0", "0x137f", "0xffff", "0x85", "0x857f"})
            .out ==
        "killed by SIGSEGV (core dumped)\nkilled by SIGSEGV\nexited 3\nexited 0\n"
        "stopped by SIGSTOP\ncontinued\nkilled by SIGTRAP (core dumped)\nstopped by SIGTRAP\n");
  CHECK(siglist({"--status", "--raw", "139", "768", "9"}).out ==
        "killed by SIGSEGV (core dumped)\nexited 3\nkilled by SIGKILL\n");
  // One from the kernel itself.
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::signal(SIGUSR1, SIG_DFL);
    ::raise(SIGUSR1);
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK(siglist({"--raw", "--status", std::to_string(status)}).out == "killed by SIGUSR1\n");
}

TEST_CASE("siglist names what is no status and decodes the rest") {
  const auto result = siglist({"--status", "256", "1", "x", "--", "-1", "0x", "0x80", "0x100000000",
                               "0x41", "0x109", "0x10ffff"});
  CHECK(result.status == exit_status::exited(1));
  CHECK(result.out == "exited 1\n");
  CHECK(result.err.starts_with("siglist: '256': no exit status (0 to 255; a raw wait status is "
                               "0x... or needs --raw)\nsiglist: 'x': no exit status"));
  CHECK(std::ranges::count(result.err, '\n') == 9);
  CHECK(contains(result.err, "\nsiglist: '0x80': no wait status\n"));
  CHECK(siglist({"--status", "--raw", "99999999999"}).err ==
        "siglist: '99999999999': no wait status\n");
}

TEST_CASE("siglist --json has a schema and the same facts") {
  const json table = json::parse(siglist({"--json"}).out);
  CHECK(table["schema"] == "sigkit.siglist.signals/1");
  REQUIRE(table["signals"].size() == 64);
  CHECK(table["signals"][14] == json::parse(R"({"number": 15, "name": "TERM", "action": "terminate",
      "description": "asked to end"})"));
  const auto some = siglist({"--json", "--describe", "KILL", "nonsense"});
  CHECK(some.status == exit_status::exited(1));
  CHECK(json::parse(some.out)["signals"].size() == 1);
  const json specs = json::parse(siglist({"--json", "TERM", "137", "0x3"}).out);
  CHECK(specs["schema"] == "sigkit.siglist.specs/1");
  CHECK(specs["specs"][0]["kind"] == "name");
  CHECK(specs["specs"][1]["signals"][0]["name"] == "KILL");
  CHECK(specs["specs"][2]["signals"].size() == 2);
  const json statuses = json::parse(siglist({"--json", "--status", "3", "0x8b", "0x137f"}).out);
  CHECK(statuses["schema"] == "sigkit.siglist.statuses/1");
  CHECK(statuses["statuses"][0]["exit_code"] == 3);
  CHECK(statuses["statuses"][0]["signal"].is_null());
  CHECK(statuses["statuses"][1]["signal"]["name"] == "SEGV");
  CHECK(statuses["statuses"][1]["core_dumped"] == true);
  CHECK(statuses["statuses"][0]["kind"] == "exited");
  CHECK(statuses["statuses"][0]["core_dumped"].is_null()); // $? does not say
  CHECK(statuses["statuses"][2]["says"] == "stopped by SIGSTOP");
  CHECK(statuses["statuses"][2]["kind"] == "stopped");
  CHECK(statuses["statuses"][2]["signal"]["name"] == "STOP");
}

TEST_CASE("siglist --plain has tabs and no header") {
  CHECK(siglist({"--plain", "TERM", "9"}).out == "15\nKILL\n");
  CHECK(siglist({"--plain", "--status", "3", "0x9"}).out ==
        "3\texited 3\n0x9\tkilled by SIGKILL\n");
}

TEST_CASE("siglist fails where its output cannot be written") {
  const auto full = siglist({}, {.environment = {},
                                 .before_exec = [] { ::dup2(::open("/dev/full", O_WRONLY), 1); },
                                 .argv0 = {}});
  CHECK(full.status == exit_status::exited(1));
  CHECK(full.err == "siglist: write error on stdout: No space left on device\n");
  const auto closed =
      siglist({"--help"}, {.environment = {}, .before_exec = [] { ::close(1); }, .argv0 = {}});
  CHECK(closed.status == exit_status::exited(1));
  CHECK(closed.err == "siglist: write error on stdout: Bad file descriptor\n");
}

TEST_CASE("siglist says what is wrong with its usage") {
  const auto result = siglist({"--nonsense"});
  CHECK(result.status == exit_status::exited(2));
  CHECK(result.err == "siglist: unrecognized option '--nonsense'\n"
                      "Try 'siglist --help' for more information.\n");
  using words = std::vector<std::string>;
  const std::vector<std::pair<words, std::string>> wrong = {
      {{"--describe"}, "--describe: missing SPEC"},
      {{"--status"}, "--status: missing N"},
      {{"--raw", "3"}, "--raw needs --status"},
      {{"--every"}, "--every needs --pid or --inherited"},
      {{"--threads", "--inherited"}, "--threads needs --pid"},
      {{"--watch"}, "--watch needs --pid"},
      {{"--watch=0", "-p", "1"}, "--watch: the time between two looks is more than 0"},
      {{"--watch=-1", "-p", "1"}, "invalid time interval '-1' for --watch"},
      {{"--catching", "TERM"}, "a condition, as --catching or --name, needs --find"},
      {{"--find", "--catching", "KILL"}, "'KILL': cannot be caught, blocked or ignored"},
      {{"--find", "--name", "("}, "invalid regular expression '(' for --name: "},
      {{"--find", "--user", "nobody-at-all"}, "no user is named 'nobody-at-all'"},
      {{"--find", "--user", ",0"}, "empty value in the list for --user"},
      {{"--find", "1"}, "extra operand '1'"},
      {{"--inherited", "1"}, "extra operand '1'"},
      {{"-p", "a\nb"}, "'a\\nb': invalid process ID"},
      {{"-p", "1", "-2"}, "invalid option -- '2'"},
      {{"-p", "1,"}, "empty value in the list for --pid"},
      {{"-p"}, "option requires an argument -- 'p'"},
      {{"-p", "1", "--find"}, "more than one of --describe, --status, --pid, --find, --inherited"},
      {{"--plain", "--json"}, "--plain and --json exclude each other"},
      {{"--color=sometimes"}, "invalid value 'sometimes' for --color"},
  };
  for (const auto& [given, message] : wrong) {
    const auto refused = siglist(given);
    CHECK(refused.status == exit_status::exited(2));
    CHECK(refused.out.empty());
    CHECK_MESSAGE(refused.err.starts_with("siglist: " + message), refused.err);
    CHECK(refused.err.ends_with("Try 'siglist --help' for more information.\n"));
  }
}

TEST_CASE("the help of every program fits 80 columns") {
  for (const char* name : {"siglist", "sigsend", "sigtrap", "sigtimeout"}) {
    const auto result = run({program(name), "--help"});
    CHECK(result.status == exit_status::exited(0));
    CHECK(result.err.empty());
    CHECK(result.out.find(std::string("Usage: ") + name + " ") != std::string::npos);
    CHECK(result.out.find("Examples:\n") != std::string::npos);
    for (std::size_t start = 0; start < result.out.size();) {
      const std::size_t end = result.out.find('\n', start);
      REQUIRE(end != std::string::npos);
      CHECK_MESSAGE(end - start <= 80, result.out.substr(start, end - start));
      start = end + 1;
    }
    const auto version = run({program(name), "--version"});
    CHECK(version.out == std::string(name) + " (sigkit) " SIGKIT_VERSION "\n");
  }
}
