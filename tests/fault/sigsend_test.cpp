// sigsend, while one call after the other fails.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sigkit/process.hpp>

#include "fault/check.hpp"

using test::child;
using test::fault_job;
using test::job_maker;
using test::run_options;
using test::run_result;

namespace {

/// sigsend with these words, in which PID is that of a process that ends with 5 when it has TERM.
job_maker sigsend_to_one(std::vector<std::string> words, int status = 0) {
  words.insert(words.begin(), test::program("sigsend"));
  return [=](const run_options& marked) {
    const auto target = std::make_shared<child>(
        std::vector<std::string>{test::program("probe"), "catch", "TERM:5"}, marked);
    target->wait_for_line("ready");
    std::vector<std::string> all = words;
    for (std::string& word : all)
      if (const auto at = word.find("PID"); at != std::string::npos)
        word.replace(at, 3, std::to_string(target->pid()));
    fault_job job{all,
                  [=](const run_result& result) -> std::string {
                    if (result.status != sigkit::exit_status::exited(status))
                      return to_string(result.status) + ": " + result.err;
                    if (target->finish() == sigkit::exit_status::exited(5)) return {};
                    return "success, and nothing sent";
                  },
                  target};
    job.kept = 1;
    return job;
  };
}

} // namespace

TEST_CASE("sigsend: a process") {
  test::check_faults(sigsend_to_one({"PID"}));
}

TEST_CASE("sigsend: a process that is waited for") {
  test::check_faults(sigsend_to_one({"--wait=10", "PID"}));
}

TEST_CASE("sigsend: a ladder") {
  test::check_faults(sigsend_to_one({"-USR1", "--then", ".02:TERM", "--then", "10:KILL", "PID"}));
}

TEST_CASE("sigsend: a tree") {
  test::check_faults(sigsend_to_one({"--tree", "PID"}));
}

TEST_CASE("sigsend: a selection") {
  test::check_faults(sigsend_to_one({"--name", "^probe$", "PID"}));
}

TEST_CASE("sigsend: an older kernel") {
  for (const job_maker& job : {sigsend_to_one({"PID"}), sigsend_to_one({"--tree", "PID"}),
                               sigsend_to_one({"--then", "10:KILL", "--wait=10", "PID"})})
    test::check_without(job, {"pidfd_open", "pidfd_send_signal"});
}
