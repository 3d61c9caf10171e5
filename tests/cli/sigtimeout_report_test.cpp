#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include <nlohmann/json.hpp>

#include "cli/sigtimeout.hpp"
#include "support/timing.hpp"

using nlohmann::json;
using sigkit::exit_status;
using test::sigtimeout;
using test::sigtimeout_job;
using test::text_of;
using namespace std::chrono_literals;

namespace {

/// The report of a run with these words.
struct reported {
  explicit reported(std::vector<std::string> words) {
    const test::temporary_directory directory;
    const std::string file = directory.path() + "/report.json";
    words.insert(words.begin(), {"--report", file});
    run = sigtimeout_job(words);
    document = json::parse(text_of(file));
  }
  test::job_result run;
  json document;
};

} // namespace

TEST_CASE("the hook runs before the first signal, with the command's PID and the reason") {
  const auto result = sigtimeout({"--on-timeout", "echo hook $SIGTIMEOUT_PID $SIGTIMEOUT_REASON",
                                  "1000", "sh", "-c",
                                  "trap 'echo got TERM; exit 3' TERM; echo $$; kill -ALRM $PPID;"
                                  "while :; do sleep .01; done"});
  CHECK(result.status == exit_status::exited(124));
  const std::string pid = result.out.substr(0, result.out.find('\n'));
  CHECK(result.out == pid + "\nhook " + pid + " timed_out\ngot TERM\n");
}

TEST_CASE("a hook that hangs is killed with its group, and does not stop the limit") {
  const auto job = sigtimeout_job({"--on-timeout", "sleep 1000; sleep 1000", "--on-timeout-limit",
                                   ".2", ".1", "sleep", "1000"});
  CHECK(job.status == exit_status::exited(124));
  CHECK(job.err == "sigtimeout: --on-timeout took longer than 200ms: killed\n");
  CHECK_MESSAGE(job.left.empty(), test::joined(job.left));
}

TEST_CASE("a hook that fails does not stop the limit") {
  for (const char* hook : {"exit 7", "no-such-program", "kill -9 $$", "kill -9 0"}) {
    const auto job = sigtimeout_job({"--on-timeout", hook, ".1", "sleep", "1000"});
    CHECK(job.status == exit_status::exited(124));
    CHECK_MESSAGE(job.left.empty(), test::joined(job.left));
  }
}

TEST_CASE("a hook that cannot be started does not stop the limit") {
  const auto result =
      sigtimeout({"--on-timeout", "true", ".1", "/bin/sleep", "1000"},
                 {.environment = {"PATH=/nonexistent"}, .before_exec = {}, .argv0 = {}});
  CHECK(result.status == exit_status::exited(124));
  CHECK(result.err.starts_with("sigtimeout: --on-timeout: running sh"));
}

TEST_CASE("the hook is not signalled with the tree, and what it leaves behind is ended") {
  const test::temporary_directory directory;
  const std::string file = directory.path() + "/said";
  const auto job = sigtimeout_job(
      {"--tree", "--on-timeout",
       "trap 'echo TERM >>" + file + "' TERM; (setsid sleep 1000 &); echo hooked >>" + file, "1000",
       "sh", "-c", "exec >&- 2>&-; kill -ALRM $PPID; sleep 1000; :"});
  CHECK(job.status == exit_status::exited(124));
  CHECK(text_of(file) == "hooked\n");
  CHECK_MESSAGE(job.left.empty(), test::joined(job.left));
}

TEST_CASE("a signal from outside reaches the command while the hook runs") {
  test::child running(
      test::sigtimeout_words({"--tree", "--on-timeout", "echo hooked; exec sleep 1000", "1000",
                              test::program("probe"), "catch", "USR1:0"}));
  running.wait_for_line("ready");
  ::kill(running.pid(), SIGALRM);
  running.wait_for_line("hooked");
  ::kill(running.pid(), SIGUSR1);
  running.wait_for_line("got USR1");
  ::kill(running.pid(), SIGALRM); // the hook has been long enough
  CHECK(running.finish() == exit_status::exited(124));
}

TEST_CASE("the tree is shown as it was, on stderr") {
  const auto job = sigtimeout_job({"--tree", "--diagnose", "1000", "sh", "-c",
                                   "exec >&-; (setsid sh -c 'sleep 1111; :' &);"
                                   "sleep 1; kill -ALRM $PPID; sleep 2222; :"});
  CHECK(job.status == exit_status::exited(124));
  CHECK(job.err.starts_with("sigtimeout: timed out after "));
  CHECK(job.err.find("sleep 1111") != std::string::npos);
  CHECK(job.err.find("sh -c 'exec >&-") != std::string::npos);
  CHECK(job.err.find("clock_nanosleep") != std::string::npos);
}

TEST_CASE("the diagnosis says which limit it was, and when") {
  const auto result = sigtimeout({"--idle", ".2", "--diagnose", "1000", "sleep", "1000"});
  CHECK(result.err.starts_with("sigtimeout: no output for 200ms, "));
  CHECK(result.err.find(" after the start; what command 'sleep' was doing:\n") !=
        std::string::npos);
}

TEST_CASE("a daemon is shown with the scope group too, and is left alone") {
  const auto job = sigtimeout_job({"--diagnose", "1000", "sh", "-c",
                                   "exec >&-; (setsid sleep 1111 2>&- &); sleep 1;"
                                   "kill -ALRM $PPID; sleep 2222; :"});
  CHECK(job.status == exit_status::exited(124));
  CHECK(job.err.find("sleep 1111") != std::string::npos);
  CHECK(job.left.size() == 1);
}

TEST_CASE("--diagnose=FILE writes it there, and nowhere else") {
  const test::temporary_directory directory;
  const std::string file = directory.path() + "/diagnosis";
  const auto result = sigtimeout({"--diagnose=" + file, ".2", "sleep", "1000"});
  CHECK(result.status == exit_status::exited(124));
  CHECK(result.err.empty());
  CHECK(text_of(file).find("sleep 1000") != std::string::npos);
}

TEST_CASE("a report or a diagnosis that cannot be written is known before the command starts") {
  for (const char* option :
       {"--report=/nonexistent/x", "--diagnose=/nonexistent/x", "--report=/"}) {
    const auto result = sigtimeout({option, "1000", "echo", "started"});
    CHECK(result.status == exit_status::exited(125));
    CHECK(result.out.empty());
    CHECK(result.err.starts_with("sigtimeout: cannot open '/"));
  }
}

TEST_CASE("a report on a full disk is said, and the status stays") {
  const auto result = sigtimeout({"--report=/dev/full", "1000", "sh", "-c", "exit 3"});
  CHECK(result.status == exit_status::exited(3));
  CHECK(result.err == "sigtimeout: writing '/dev/full': No space left on device\n");
}

TEST_CASE("the report of a run that ended by itself") {
  const reported report({"1000", "sh", "-c", "exit 3"});
  CHECK(report.run.status == exit_status::exited(3));
  const json& document = report.document;
  CHECK(document["schema"] == "sigkit.sigtimeout.report/1");
  CHECK(document["command"] == json({"sh", "-c", "exit 3"}));
  CHECK(document["outcome"] == "exited");
  CHECK(document["status"] == 3);
  CHECK(document["command_status"] == "exited 3");
  CHECK(document["signal"].is_null());
  CHECK(document["sender"].is_null());
  CHECK(document["limit_reached"] == false);
  CHECK(document["steps"].empty());
  CHECK(document["survivors"].empty());
  CHECK(document["elapsed"].get<double>() > 0);
  CHECK(document["peak_memory"].get<std::uint64_t>() > 100'000);
  CHECK(document["started"].get<std::string>().ends_with("Z"));
}

TEST_CASE("the report of a limit has the steps with their targets, and the diagnosis") {
  const reported report({"--tree", "-s", "INT", "--then", ".05:KILL", "1000", "sh", "-c",
                         "exec >&- 2>&-; trap '' INT; setsid sleep 1111 &"
                         "kill -ALRM $PPID; while :; do sleep .01; done"});
  CHECK(report.run.status == exit_status::exited(137));
  const json& document = report.document;
  CHECK(document["outcome"] == "timed_out");
  CHECK(document["status"] == 137);
  CHECK(document["signal"] == "KILL");
  CHECK(document["limit_reached"] == true);
  REQUIRE(document["steps"].size() == 2);
  CHECK(document["steps"][0]["signal"] == "INT");
  CHECK(document["steps"][1]["signal"] == "KILL");
  CHECK(document["steps"][0]["scope"] == "tree");
  CHECK(document["steps"][0]["targets"].size() >= 2);
  CHECK(document["diagnosis"].size() >= 2);
  CHECK(document["diagnosis"][0]["name"] == "sh");
}

TEST_CASE("the outcomes are named") {
  CHECK(reported({"--idle", ".1", "1000", "sleep", "1000"}).document["outcome"] == "idle");
  CHECK(reported({"--cpu", ".1", "1000", "sh", "-c", "while :; do :; done"}).document["outcome"] ==
        "cpu_limit");
  CHECK(reported({"1000", "sh", "-c", "kill -9 $$"}).document["outcome"] == "signaled");
  CHECK(reported({"1000", "no-such-program"}).document["outcome"] == "not_found");
  CHECK(reported({"1000", "/tmp"}).document["outcome"] == "not_executable");
  const reported failed({"1000", "sh", "-c", "echo x", "--"});
  CHECK(failed.document["outcome"] == "exited");
}

TEST_CASE("where sigtimeout itself fails, the report says so") {
  const test::temporary_directory directory;
  const std::string file = directory.path() + "/report.json";
  const auto result = test::run({"unshare", "--pid", "--fork", test::program("sigtimeout"),
                                 "--tree", "--report", file, "1000", "true"});
  if (result.err.find("unshare") != std::string::npos) SKIP("no PID namespace can be made here");
  CHECK(result.status == exit_status::exited(125));
  const json document = json::parse(text_of(file));
  CHECK(document["outcome"] == "failed");
  CHECK(document["status"] == 125);
  CHECK(document["command_status"].is_null());
  CHECK(document["error"].get<std::string>().find("/proc") != std::string::npos);
}

TEST_CASE("the report of an interrupted run names who did it") {
  const reported report({"1000", "sh", "-c", "kill -TERM $PPID; sleep 1000; :"});
  CHECK(report.run.status == exit_status::killed(sigkit::sigterm));
  CHECK(report.document["outcome"] == "interrupted");
  CHECK(report.document["sender"]["signal"] == "TERM");
  CHECK(report.document["sender"]["pid"].get<int>() > 1);
  CHECK(report.document["steps"][0]["signal"] == "TERM");
}

TEST_CASE("processor time of the whole tree is in the report") {
  const reported report({"--tree", "1000", "sh", "-c",
                         "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done &"
                         "wait; (i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done &) ; sleep .2"});
  CHECK(report.document["cpu_seconds"].get<double>() > 0.02);
}

TEST_CASE("a command that is killed for want of memory") {
  const auto own = text_of("/proc/self/cgroup");
  const std::string memory = "/sys/fs/cgroup/memory/sigkit.test." + std::to_string(::getpid());
  std::error_code refused;
  if (!std::filesystem::create_directory(memory, refused))
    SKIP("no memory cgroup can be made here");
  std::ofstream(memory + "/memory.limit_in_bytes") << "134217728\n";       // room for a sanitizer
  std::ofstream(memory + "/memory.memsw.limit_in_bytes") << "134217728\n"; // room for a sanitizer
  const test::temporary_directory directory;
  const std::string file = directory.path() + "/report.json";
  // sigtimeout is moved there; what fills the memory is preferred by the kernel.
  const auto result = test::run(
      {"sh", "-c",
       "echo $$ >" + memory + "/cgroup.procs; echo -500 >/proc/self/oom_score_adj; exec " +
           test::program("sigtimeout") + " --report " + file +
           " 1000 sh -c 'echo 900 >/proc/self/oom_score_adj; exec tail /dev/zero'"});
  const std::string text = text_of(file);
  test::eventually([&] { return std::filesystem::remove(memory, refused); });
  if (result.status != exit_status::killed(sigkit::sigkill)) SKIP("memory is not limited here");
  CHECK(json::parse(text)["outcome"] == "out_of_memory");
  CHECK(result.err.find("for want of memory") != std::string::npos);
}

TEST_CASE("--progress shows nothing where stderr is no terminal") {
  const auto result = sigtimeout({"--progress", "1000", "sleep", ".7"});
  CHECK(result.status == exit_status::exited(0));
  CHECK(result.err.empty());
}

TEST_CASE("a hook does not stop the limit where a signal from outside came before") {
  test::child running(test::sigtimeout_words(
      {"--on-timeout", "echo hooked", "1000", test::program("probe"), "catch", "TERM:0"}));
  running.wait_for_line("ready");
  ::kill(running.pid(), SIGUSR1); // its ladder has no more rungs
  running.wait_for_line("got USR1");
  ::kill(running.pid(), SIGALRM);
  running.wait_for_line("hooked");
  CHECK(running.finish() == exit_status::exited(124));
  CHECK(running.out().find("got TERM") != std::string::npos);
}

TEST_CASE("a TERM from outside ends the hook, which is no survivor") {
  test::child running(test::sigtimeout_words(
      {"--tree", "--on-timeout", "echo hooked; exec sleep 1000", "--on-timeout-limit", "1000",
       "1000", test::program("probe"), "catch", "TERM:0"}));
  running.wait_for_line("ready");
  ::kill(running.pid(), SIGALRM);
  running.wait_for_line("hooked");
  ::kill(running.pid(), SIGTERM);
  CHECK(running.finish() == exit_status::exited(124));
  CHECK(running.err().find("still running") == std::string::npos);
}

TEST_CASE("memory of children from before the start is not the command's") {
  const test::temporary_directory directory;
  const std::string file = directory.path() + "/report.json";
  test::run({"sh", "-c",
             "head -c 100000000 /dev/zero | tail -c 80000000 | wc -c; exec " +
                 test::program("sigtimeout") + " --report " + file + " 1000 true"});
  CHECK(json::parse(text_of(file))["peak_memory"].get<std::uint64_t>() < 50'000'000);
}

TEST_CASE("a diagnosis on a full disk is said") {
  const auto result = sigtimeout({"--diagnose=/dev/full", ".1", "sleep", "1000"});
  CHECK(result.status == exit_status::exited(124));
  CHECK(result.err == "sigtimeout: writing '/dev/full': No space left on device\n");
}

TEST_CASE("a hook that ALRM ends is not said to have taken too long") {
  test::child running(test::sigtimeout_words({"--on-timeout", "echo hooked; exec sleep 1000",
                                              "1000", test::program("probe"), "catch", "TERM:0"}));
  running.wait_for_line("ready");
  ::kill(running.pid(), SIGALRM);
  running.wait_for_line("hooked");
  ::kill(running.pid(), SIGALRM);
  CHECK(running.finish() == exit_status::exited(124));
  CHECK(running.err().empty());
}
