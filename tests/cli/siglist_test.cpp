#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "support/child.hpp"

using sigkit::exit_status;

namespace {

test::run_result siglist(std::vector<std::string> words, const test::run_options& options = {}) {
  words.insert(words.begin(), test::program("siglist"));
  return test::run(std::move(words), options);
}

} // namespace

TEST_CASE("siglist shows every signal, a row each") {
  const auto result = siglist({"--plain"});
  CHECK(result.status == exit_status::exited(0));
  CHECK(std::ranges::count(result.out, '\n') == 64);
  CHECK(result.out.find("15\tTERM\tterminate\t") != std::string::npos);
  CHECK(result.out.find("\n32\t32\tterminate\t") != std::string::npos);
  CHECK(result.out.find("\n19\tSTOP\tstop\t") != std::string::npos);
  const auto for_person = siglist({});
  CHECK(std::ranges::count(for_person.out, '\n') == 65);
  CHECK(for_person.out.find("\n15  TERM       terminate  ") != std::string::npos);
}

TEST_CASE("siglist translates names, numbers, statuses and masks") {
  const auto result =
      siglist({"TERM", "sigint", "9", "137", "265", "0", "0x4002", "RTMIN+1", "IOT"});
  CHECK(result.status == exit_status::exited(0));
  CHECK(result.out == "15\n2\nKILL\nKILL\nKILL\nEXIT\nINT\nTERM\n35\n6\n");
}

TEST_CASE("siglist names what is unknown and prints the rest") {
  const auto result = siglist({"FOO", "TERM", "66", "0x", "-1"});
  CHECK(result.status == exit_status::exited(2)); // -1 is no option
  const auto rest = siglist({"--", "FOO", "TERM", "66", "0x", "0x10000000000000000", "-1"});
  CHECK(rest.status == exit_status::exited(1));
  CHECK(rest.out == "15\n");
  CHECK(rest.err == "siglist: 'FOO': unknown signal\nsiglist: '66': unknown signal\n"
                    "siglist: '0x': unknown signal\n"
                    "siglist: '0x10000000000000000': unknown signal\n"
                    "siglist: '-1': unknown signal\n");
}

TEST_CASE("siglist describes single signals") {
  const auto result = siglist({"--describe", "--plain", "KILL", "0x1"});
  CHECK(result.out ==
        "9\tKILL\tterminate\tends at once; cannot be caught, blocked or ignored\n"
        "1\tHUP\tterminate\tterminal closed; daemons read their configuration again\n");
  CHECK(siglist({"--describe"}).status == exit_status::exited(2));
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
}

TEST_CASE("the help of every program fits 80 columns") {
  for (const char* name : {"siglist", "sigsend", "sigtrap", "sigtimeout"}) {
    const auto result = test::run({test::program(name), "--help"});
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
    const auto version = test::run({test::program(name), "--version"});
    CHECK(version.out == std::string(name) + " (sigkit) " SIGKIT_VERSION "\n");
  }
}
