#include <doctest/doctest.h>

#include <unistd.h>

#include "support/child.hpp"

using sigkit::exit_status;

namespace {

test::run_result sigtrap(std::vector<std::string> words) {
  words.insert(words.begin(), test::program("sigtrap"));
  return test::run(std::move(words));
}

constexpr const char* help_hint = "Try 'sigtrap --help' for more information.\n";

} // namespace

TEST_CASE("sigtrap sets dispositions and mask and becomes the command") {
  const auto result = sigtrap({"--ignore", "HUP,INT", "--ignore=QUIT", "--block", "USR1",
                               test::program("probe"), "report"});
  CHECK(result.status == exit_status::exited(0));
  CHECK(result.out.find("blocked USR1\n") != std::string::npos);
  CHECK(result.out.find("ignored HUP,INT,QUIT\n") != std::string::npos);
  test::child same({test::program("sigtrap"), "--ignore", "HUP", test::program("probe"), "catch"});
  CHECK(same.wait_for_line("ready") == "ready " + std::to_string(same.pid()));
}

TEST_CASE("sigtrap takes back what was inherited") {
  const auto result =
      sigtrap({"--ignore", "HUP,INT", "--block", "USR1,USR2", test::program("sigtrap"), "--default",
               "all", "--unblock", "USR1", test::program("probe"), "report"});
  CHECK(result.out.find("blocked USR2\n") != std::string::npos);
  CHECK(result.out.find("ignored \n") != std::string::npos);
}

TEST_CASE("sigtrap refuses what cannot be done, and starts nothing") {
  for (const auto& [words, message] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"--ignore", "KILL", "echo", "x"}, "'KILL': cannot be caught, blocked or ignored"},
           {{"--block", "STOP", "echo", "x"}, "'STOP': cannot be caught, blocked or ignored"},
           {{"--block", "32", "echo", "x"}, "'32': kept by the C library for itself"},
           {{"--ignore", "0", "echo", "x"}, "'0': not a signal that is ever received"},
           {{"--ignore", "HUP,FOO", "echo", "x"}, "'FOO': invalid signal"},
           {{"--ignore", "HUP", "--default", "all", "echo", "x"},
            "both --ignore and --default: HUP"},
           {{"--block", "HUP", "--unblock", "HUP", "echo", "x"}, "both --block and --unblock: HUP"},
           {{"--ignore", "HUP"}, "missing command"},
           {{"--nonsense", "echo", "x"}, "unrecognized option '--nonsense'"},
           {{"echo", "x"},
            "nothing to set: --ignore, --default, --block or --unblock is needed"}}) {
    const auto result = sigtrap(words);
    CHECK(result.status == exit_status::exited(125));
    CHECK(result.err == "sigtrap: " + message + "\n" + help_hint);
    CHECK(result.out.empty());
  }
}

TEST_CASE("sigtrap says when the command cannot be run") {
  CHECK(sigtrap({"--ignore", "HUP", "no-such-program"}).status == exit_status::exited(127));
  const auto denied = sigtrap({"--ignore", "HUP", "/tmp"});
  CHECK(denied.status == exit_status::exited(126));
  CHECK(denied.err == "sigtrap: failed to run command '/tmp': Permission denied\n");
}
