// sigtrap, while one call after the other fails.
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "fault/check.hpp"

using test::fault_job;
using test::faults_in;
using test::job_maker;
using test::run_options;

namespace {

job_maker sigtrap_that(int status, std::string out, std::vector<std::string> rest) {
  rest.insert(rest.begin(), test::program("sigtrap"));
  return [=](const run_options&) { return fault_job{rest, test::ends_with(status, out)}; };
}

/// Has the supervisor get a signal, and ends by itself where that comes to nothing.
std::string gets(const std::string& signal, const std::string& then) {
  return "trap '" + then + "' " + signal + "; kill -" + signal +
         " $PPID; i=0; while test $i -lt 200; do sleep .01; i=$((i + 1)); done; exit 9";
}

const job_maker forwarding =
    sigtrap_that(4, "got\n", {"sh", "-c", gets("TERM", "echo got; exit 4")});

} // namespace

TEST_CASE("sigtrap: a command with other dispositions") {
  test::check_faults(
      sigtrap_that(0, "done\n", {"--ignore", "HUP", "--block", "USR1", "echo", "done"}));
}

TEST_CASE("sigtrap: a command that ends") {
  test::check_faults(sigtrap_that(3, "done\n", {"sh", "-c", "echo done; exit 3"}));
}

TEST_CASE("sigtrap: what is not COMMAND yet") {
  test::check_faults(sigtrap_that(0, "", {"true"}), faults_in::child);
}

TEST_CASE("sigtrap: a signal that is forwarded") {
  test::check_faults(forwarding);
}

TEST_CASE("sigtrap: a signal that is forwarded to a tree") {
  test::check_faults(sigtrap_that(
      4, "got\n", {"--tree", "sh", "-c", "setsid sleep 60 & " + gets("TERM", "echo got; exit 4")}));
}

TEST_CASE("sigtrap: actions") {
  test::check_faults([](const run_options&) {
    return fault_job{{test::program("sigtrap"), "--on", "USR1=echo action", "--on", "USR1=@forward",
                      "--on", "EXIT=echo end", "sh", "-c", gets("USR1", "echo got; exit 0")},
                     [](const test::run_result& result) -> std::string {
                       if (!result.err.empty()) return {};
                       const bool all = result.out.find("action\n") != std::string::npos &&
                                        result.out.find("got\n") != std::string::npos &&
                                        result.out.find("end\n") != std::string::npos;
                       return all ? "" : "not all was done, and no word of it: " + result.out;
                     }};
  });
}

TEST_CASE("sigtrap: a rewritten signal") {
  test::check_faults(
      sigtrap_that(0, "got\n",
                   {"--rewrite", "TERM:USR1", "sh", "-c",
                    "trap 'echo got; exit 0' USR1; kill $PPID; i=0; "
                    "while test $i -lt 200; do sleep .01; i=$((i + 1)); done; exit 9"}));
}

TEST_CASE("sigtrap: orphans are reaped, and ended") {
  test::check_faults(sigtrap_that(
      3, "done\n",
      {"--init", "--orphans=kill", "sh", "-c", "(setsid sleep 60 &); echo done; exit 3"}));
}

TEST_CASE("sigtrap: a parent whose end is watched") {
  test::check_faults(sigtrap_that(
      0, "done\n", {"--parent-death", "TERM", "--remap", "3", "sh", "-c", "echo done; exit 3"}));
}

TEST_CASE("sigtrap: waiting for a signal") {
  test::check_faults(sigtrap_that(124, "", {"--wait", "USR1", "--timeout", ".05"}));
}

TEST_CASE("sigtrap: an older kernel") {
  test::check_without(forwarding, {"pidfd_open", "pidfd_send_signal", "clone3", "close_range"});
}
