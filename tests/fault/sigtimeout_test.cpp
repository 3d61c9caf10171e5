// sigtimeout, while one call after the other fails.
#include <doctest/doctest.h>

#include <unistd.h>

#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/sigtimeout.hpp"
#include "fault/check.hpp"

using test::fault_job;
using test::faults_in;
using test::job_maker;
using test::run_options;
using test::run_result;

namespace {

/// sigtimeout with these words, which ends so when nothing fails.
job_maker sigtimeout_that(int status, std::string out, std::vector<std::string> rest) {
  return [=](const run_options&) {
    return fault_job{test::sigtimeout_words(rest), test::ends_with(status, out)};
  };
}

const job_maker in_time = sigtimeout_that(3, "done\n", {"60", "sh", "-c", "echo done; exit 3"});
const job_maker at_limit = sigtimeout_that(
    124, "on\n", {"-v", "1000", "sh", "-c", "echo on; kill -ALRM $PPID; exec sleep $NAP"});
const job_maker tree_at_limit =
    sigtimeout_that(124, "on\n",
                    {"--tree", "-k", "5", "1000", "sh", "-c",
                     "setsid sleep 60 & echo on; kill -ALRM $PPID; sleep $NAP"});

/// With a scope that may not be had here; nothing then.
bool can_have(const std::string& scope) {
  return test::sigtimeout({"--scope=" + scope, "60", "true"}).status ==
         sigkit::exit_status::exited(0);
}

/// The cgroups that are named as sigtimeout's own. Those of other tests may come and go meanwhile.
std::set<std::string> own_cgroups() {
  std::set<std::string> found;
  std::error_code ignored;
  for (auto entry = std::filesystem::recursive_directory_iterator("/sys/fs/cgroup", ignored);
       entry != std::filesystem::recursive_directory_iterator(); entry.increment(ignored))
    if (entry->path().filename().string().starts_with("sigkit.")) found.insert(entry->path());
  return found;
}

const std::vector<std::string> newer_calls{"pidfd_open", "pidfd_send_signal", "clone3",
                                           "close_range"};

} // namespace

TEST_CASE("sigtimeout: a command that ends in time") {
  test::check_faults(in_time);
}

TEST_CASE("sigtimeout: what is not COMMAND yet") {
  test::check_faults(sigtimeout_that(0, "", {"60", "true"}), faults_in::child);
}

TEST_CASE("sigtimeout: what is not COMMAND yet, of a tree") {
  test::check_faults(sigtimeout_that(0, "", {"--tree", "60", "true"}), faults_in::child);
}

TEST_CASE("sigtimeout: what is not COMMAND yet, of a session") {
  test::check_faults(sigtimeout_that(0, "", {"--scope=session", "60", "true"}), faults_in::child);
}

TEST_CASE("sigtimeout: a limit") {
  test::check_faults(at_limit);
}

TEST_CASE("sigtimeout: a limit in the foreground") {
  test::check_faults(sigtimeout_that(
      124, "", {"--foreground", "1000", "sh", "-c", "kill -ALRM $PPID; exec sleep $NAP"}));
}

TEST_CASE("sigtimeout: a command that does not end by the first signal") {
  test::check_faults(sigtimeout_that(
      137, "on\n",
      {"-k", ".05", "1000", "sh", "-c", "trap '' TERM; echo on; kill -ALRM $PPID; sleep $NAP"}));
}

TEST_CASE("sigtimeout: a limit for a tree") {
  test::check_faults(tree_at_limit);
}

TEST_CASE("sigtimeout: a tree with orphans that ends in time") {
  test::check_faults(sigtimeout_that(
      3, "done\n", {"--tree", "60", "sh", "-c", "(setsid sleep 60 &); echo done; exit 3"}));
}

TEST_CASE("sigtimeout: a limit for a session") {
  test::check_faults(sigtimeout_that(124, "on\n",
                                     {"--scope=session", "-k", "5", "1000", "sh", "-c",
                                      "sleep $NAP & echo on; kill -ALRM $PPID; sleep $NAP"}));
}

TEST_CASE("sigtimeout: a limit for a cgroup") {
  if (!can_have("cgroup")) SKIP("no cgroup can be made here");
  test::check_faults([](const run_options&) {
    fault_job job{
        test::sigtimeout_words({"--scope=cgroup", "-k", "5", "1000", "sh", "-c",
                                "setsid sleep 60 & echo on; kill -ALRM $PPID; sleep $NAP"}),
        test::ends_with(124, "on\n")};
    job.left_behind = [before = own_cgroups()] {
      for (const std::string& now : own_cgroups())
        if (!before.contains(now)) return "left a cgroup: " + now;
      return std::string();
    };
    return job;
  });
}

namespace {

const job_maker namespace_at_limit = sigtimeout_that(
    124, "on\n",
    {"--scope=namespace", "-k", "5", ".5", "sh", "-c", "setsid sleep 60 & echo on; sleep $NAP"});

} // namespace

TEST_CASE("sigtimeout: a limit for a PID namespace") {
  if (!can_have("namespace")) SKIP("no PID namespace can be made here");
  test::check_faults(namespace_at_limit);
}

TEST_CASE("sigtimeout: an older kernel, and a PID namespace") {
  if (!can_have("namespace")) SKIP("no PID namespace can be made here");
  test::check_without(namespace_at_limit, {"close_range"});
}

TEST_CASE("sigtimeout: an idle limit") {
  test::check_faults(
      sigtimeout_that(124, "on\n", {"--idle", ".5", "60", "sh", "-c", "echo on; exec sleep $NAP"}));
}

TEST_CASE("sigtimeout: output that passes through") {
  test::check_faults(
      sigtimeout_that(0, "1\n2\n", {"--idle", "60", "60", "sh", "-c", "echo 1; echo 2"}));
}

TEST_CASE("sigtimeout: a terminal of its own") {
  test::check_faults(
      sigtimeout_that(0, "on\n", {"--pty", "60", "sh", "-c", "test -t 1 && echo on"}));
}

TEST_CASE("sigtimeout: a processor limit") {
  test::check_faults(sigtimeout_that(
      124, "",
      {"--cpu", ".1", "60", "sh", "-c", "(sleep $NAP; kill -KILL $$) & while :; do :; done"}));
}

TEST_CASE("sigtimeout: a warning, a heartbeat, a hook") {
  test::check_faults([](const run_options&) {
    return fault_job{test::sigtimeout_words({"--warn", ".05", "--heartbeat", ".06", "--on-timeout",
                                             "echo hook", ".1", "sh", "-c", "exec sleep $NAP"}),
                     [](const run_result& result) -> std::string {
                       if (result.out == "hook\n") return {};
                       const bool says_so = result.err.find("--on-timeout") != std::string::npos;
                       return says_so ? "" : "the hook did not run, and no word of it";
                     }};
  });
}

TEST_CASE("sigtimeout: a wall-clock time") {
  test::check_faults(sigtimeout_that(0, "", {"--until", "2099-01-01T00:00:00Z", "0", "true"}));
}

TEST_CASE("sigtimeout: a diagnosis and a report") {
  const auto directory = std::make_shared<test::temporary_directory>();
  const std::string report = directory->path() + "/report";
  const std::string diagnosis = directory->path() + "/diagnosis";
  test::check_faults([=](const run_options&) {
    std::filesystem::remove(report);
    std::filesystem::remove(diagnosis);
    fault_job job{
        test::sigtimeout_words({"--tree", "--diagnose=" + diagnosis, "--report", report, "1000",
                                "sh", "-c", "sleep 60 & kill -ALRM $PPID; sleep $NAP"}),
        [=](const run_result& result) -> std::string {
          if (!result.err.empty()) return {};
          const auto text = test::text_of(report);
          const auto json = nlohmann::json::parse(text, nullptr, false);
          if (json.is_discarded()) return "no report: " + text;
          if (json["outcome"] != "timed_out") return "a wrong report: " + text;
          if (test::text_of(diagnosis).find("sleep") == std::string::npos)
            return "no diagnosis, and no word of it";
          return {};
        },
        directory};
    return job;
  });
}

TEST_CASE("sigtimeout: a signal from outside") {
  test::check_faults([](const run_options&) {
    return fault_job{test::sigtimeout_words({"60", "sh", "-c",
                                             "trap 'echo got; exit 4' TERM; kill $PPID; "
                                             "i=0; "
                                             "while test $i -lt 200; do sleep .01; "
                                             "i=$((i + 1)); done"}),
                     test::ends_with(4, "got\n")};
  });
}

TEST_CASE("sigtimeout: an older kernel") {
  for (const job_maker& job : {at_limit, tree_at_limit})
    test::check_without(job, newer_calls);
}
