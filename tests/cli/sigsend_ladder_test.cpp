#include <doctest/doctest.h>

#include <signal.h>

#include <filesystem>

#include "cli/sigsend.hpp"

using namespace test;

namespace {

/// What has the mark does not outlive a test that fails.
struct killed_at_end {
  std::string mark;
  ~killed_at_end() { kill_marked(mark); }
};

bool has_open(pid_t pid, const std::string& what) {
  std::error_code failed;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", failed))
    if (std::filesystem::read_symlink(entry.path(), failed) == what) return true;
  return false;
}

} // namespace

TEST_CASE("sigsend: each step goes only to those that are still there") {
  target obeys;
  target ignores({"ignore", "TERM"});
  const auto done = sigsend_json({"-s", "TERM", "--then", "100ms:INT", "--then", "1h:KILL",
                                  "--wait", obeys.number(), ignores.number()});
  CHECK(obeys.finish() == exit_status::exited(7));
  CHECK(ignores.finish() == exit_status::killed(sigkit::sigint));
  CHECK(done["schema"] == "sigkit.sigsend/1");
  CHECK(done["status"] == 0);
  REQUIRE(done["targets"].size() == 2);
  const auto& first = done["targets"][0];
  CHECK(first["pid"] == obeys.pid());
  CHECK(first["name"] == "probe");
  CHECK(first["steps"].size() == 1);
  CHECK(first["steps"][0]["signal"] == "TERM");
  CHECK(first["ended"].is_number());
  const auto& second = done["targets"][1];
  CHECK(second["steps"].size() == 2);
  CHECK(second["steps"][1]["signal"] == "INT");
  CHECK(second["steps"][1]["at"] >= 0.1);
  CHECK(second["outcome"] == "sent");
}

TEST_CASE("sigsend: a ladder is over when all have ended") {
  target obeys;
  const auto result = sigsend({"--then", "1h:KILL", obeys.number()});
  CHECK(result.status == exit_status::exited(0));
  CHECK(obeys.finish() == exit_status::exited(7));
}

TEST_CASE("sigsend: --timeout MS SIG is a step, as util-linux kill has it") {
  target ignores({"ignore", "TERM,INT"});
  CHECK(sigsend({"--timeout", "1", "INT", "--then", "1ms:HUP", "--timeout", "3600000", "KILL",
                 "-TERM", ignores.number()})
            .status == exit_status::exited(0));
  CHECK(ignores.finish() == exit_status::killed(sigkit::sighup));
  target stays({"ignore", "TERM"});
  CHECK(sigsend({"--timeout=1", "KILL", stays.number()}).status == exit_status::exited(0));
  CHECK(stays.finish() == exit_status::killed(sigkit::sigkill));
  target unharmed;
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{unharmed.number(), "--timeout"},
                                             {unharmed.number(), "--timeout", "5"},
                                             {unharmed.number(), "--timeout", "x", "KILL"},
                                             {unharmed.number(), "--timeout", "-1", "KILL"},
                                             {unharmed.number(), "--timeout", "5", "NONE"},
                                             {unharmed.number(), "--then", "5"},
                                             {unharmed.number(), "--then", "5:KILL@nowhere"},
                                             {unharmed.number(), "--then", "-1:KILL"}}) {
    const auto result = sigsend(words);
    CHECK(result.status == exit_status::exited(1));
    CHECK(result.err.ends_with(help_hint));
  }
  CHECK(sigsend({"-USR1", unharmed.number()}).status == exit_status::exited(0));
  CHECK(unharmed.wait_for_line("got") == "got USR1");
}

TEST_CASE("sigsend: a preset gives the first signal and the steps") {
  target ignores({"ignore", "TERM"});
  const auto done = sigsend_json({"--preset", "meson", "--wait", ignores.number()});
  const auto& steps = done["targets"][0]["steps"];
  REQUIRE(steps.size() == 2);
  CHECK(steps[0]["signal"] == "TERM");
  CHECK(steps[1]["signal"] == "KILL");
  CHECK(steps[1]["at"] >= 0.5);
  CHECK(ignores.finish() == exit_status::killed(sigkit::sigkill));
  target hups;
  CHECK(sigsend_json({"--preset=docker", "-s", "HUP", "--then", "1s:QUIT", "--dry-run",
                      hups.number()})["signal"] == "HUP");
  CHECK(contains(sigsend({"--preset=help"}).out, "docker  TERM, 10s, KILL\n"));
  CHECK(sigsend({"--preset=none", hups.number()}).status == exit_status::exited(1));
}

TEST_CASE("sigsend --preset ctest ends the tree of one that obeys, as well") {
  shell_job job("sh -c 'trap \"\" TERM; echo child $$; while :; do sleep 1000; done' & wait");
  const std::string child = job.pid_of("child");
  CHECK(sigsend({"--preset", "ctest", "--wait", job.number()}).status == exit_status::exited(0));
  CHECK(job.all_end());
}

TEST_CASE("sigsend --preset ctest goes over to the tree") {
  shell_job job("trap '' TERM; sleep 1000 & echo child $!; wait; wait; wait");
  const std::string child = job.pid_of("child");
  CHECK(sigsend({"--preset", "ctest", "--wait", job.number()}).status == exit_status::exited(0));
  CHECK(job.all_end());
  CHECK_FALSE(is_alive(child));
}

TEST_CASE("sigsend --wait returns when all have ended, reaped or not") {
  target probe;
  CHECK(sigsend({"-w", probe.number()}).status == exit_status::exited(0)); // a zombie by now
  CHECK(sigkit::read_process(probe.pid())->state == 'Z');
  CHECK(probe.finish() == exit_status::exited(7));
  target stays({"ignore", "TERM"});
  const auto late = sigsend({"--json", "--wait=50ms", stays.number()});
  CHECK(late.status == exit_status::exited(124));
  CHECK(nlohmann::json::parse(late.out)["timed_out"] == true);
  CHECK(nlohmann::json::parse(late.out)["targets"][0]["ended"].is_null());
  CHECK(sigsend({"--wait=-1", stays.number()}).status == exit_status::exited(1));
  CHECK(sigsend({"--wait=", stays.number()}).status == exit_status::exited(1));
}

TEST_CASE("sigsend -0 --wait is pidwait with a limit, for processes that are nobody's children") {
  shell_job job("sleep 1000 & echo child $!; wait");
  const std::string sleeper = job.pid_of("child");
  child waits(sigsend_words({"-0", "-w", sleeper}));
  CHECK(eventually([&] { return has_open(waits.pid(), "anon_inode:[eventpoll]"); }));
  ::kill(std::stoi(sleeper), SIGKILL);
  CHECK(waits.finish() == exit_status::exited(0));
}

TEST_CASE(
    "sigsend climbs over a wide tree with few files to open, of which half are open already") {
  shell_job job(
      "i=0; while [ $i -lt 300 ]; do i=$((i + 1)); sleep 1000 & done; echo child $$; wait");
  const std::string script =
      "ulimit -n 128; fd=10; while [ $fd -lt 70 ]; do eval \"exec $fd</dev/null\"; fd=$((fd + 1)); "
      "done; exec \"$@\"";
  const auto result = run({"bash", "-c", script, "-", program("sigsend"), "--tree", "--then",
                           "1s:KILL", "--wait=10s", job.pid_of("child")});
  CHECK(result.err == "");
  CHECK(result.status == exit_status::exited(0));
}

// The target ends between two steps, and another process gets its PID: that one lives. What sends
// to a number, as kill(1) does, hits it, which the last lines show.
TEST_CASE("sigsend: a recycled PID is not hit between the steps of a ladder") {
  for (const char* files : {"20000", "32"}) { // held by a pidfd each, or by what identifies them
    CAPTURE(files);
    const std::string script = "ulimit -n " + std::string(files) + "\n" +
                               R"(
probe=$1 sigsend=$2; shift 2
echo 1 >/proc/sys/kernel/ns_last_pid || { echo cannot; exit 0; }
others=
for i in 1 2 3 4 5 6 7 8 9 10; do (trap '' TERM; exec sleep 1000) & others="$others $!"; done
sleep 1000 & first=$!
"$probe" ignore TERM >/dev/null & second=$!
until grep -q '^SigIgn:.*4...$' /proc/$second/status; do :; done
"$sigsend" --then 1500ms:KILL $others $first $second & ladder=$!
wait $first
echo $((first - 1)) >/proc/sys/kernel/ns_last_pid; sleep 1001 & new=$!
kill -0 $second 2>/dev/null || { echo late; exit 0; }
[ $new = $first ] || { echo "got $new, not $first"; exit 0; }
wait $ladder; echo ladder $?
wait $second; echo second $?
kill -0 $new && echo alive
kill -KILL $first; wait $new; echo new $?
)";
    for (int tries = 0; tries < 5; ++tries) {
      const auto result = run({"unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", script,
                               "sh", program("probe"), program("sigsend")});
      if (contains(result.err, "unshare") || contains(result.out, "cannot"))
        SKIP("no PID namespace can be made here");
      if (contains(result.out, "late") && tries < 4) continue;
      INFO(result.err);
      CHECK(result.out == "ladder 0\nsecond 137\nalive\nnew 137\n");
      break;
    }
  }
}

TEST_CASE("sigsend: the tree of one that obeys goes on in time, and nothing is left stopped") {
  shell_job job("sh -c 'trap \"\" TERM; echo child $$; while :; do sleep 1000; done' & wait");
  const std::string child = job.pid_of("child");
  const auto done = sigsend_json({"--tree", "--then", "100ms:TERM", "--then", "100ms:TERM",
                                  "--then", "100ms:KILL", "-w", job.number()});
  CHECK(job.all_end());
  for (const auto& one : done["targets"])
    if (one["pid"] == std::stoi(child)) {
      REQUIRE(one["steps"].size() == 4);
      // The freezing of a tree waits for 1 s where it is not told that all stand still.
      CHECK(one["steps"][3]["at"] < 1.0);
    }
}

TEST_CASE("sigsend: no target is lost where descriptors are few") {
  for (const rlim_t files : {rlim_t{10}, rlim_t{12}, rlim_t{16}, rlim_t{40}}) {
    CAPTURE(files);
    shell_job job("for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 1000 & "
                  "done; echo up $!; wait");
    job.wait_for_line("up");
    const std::string parent = job.number();
    std::vector<std::string> words{"-s", "CONT", "--then", "10ms:TERM", "-w"};
    const std::string pids = sigsend({"-p", "--parent", parent}).out;
    for (std::size_t start = 0; start < pids.size(); start = pids.find('\n', start) + 1)
      words.push_back(pids.substr(start, pids.find('\n', start) - start));
    REQUIRE(words.size() == 25);
    const auto result = sigsend(words, with_files(files));
    CHECK(result.err.empty());
    CHECK(result.status == exit_status::exited(0));
    CHECK(job.all_end());
    shell_job again(
        "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1000 & done; echo up $!; trap '' TERM; "
        "wait; wait");
    again.wait_for_line("up");
    CHECK(sigsend({"--tree", "--then", "10ms:KILL", "-w", again.number()}, with_files(files))
              .status == exit_status::exited(0));
    CHECK(again.all_end());
  }
}

TEST_CASE("sigsend: a step that says when, or who, in vain is refused before anything is sent") {
  target probe;
  for (const char* reach : {"namespace", "auto", "nothing", ""})
    CHECK(sigsend({"--scope", reach, probe.number()}).status == exit_status::exited(1));
  CHECK(contains(sigsend({"--then", "1:KILL@namespace", probe.number()}).err,
                 "the scope namespace is for commands"));
  CHECK(sigsend({"-USR1", probe.number()}).status == exit_status::exited(0));
  CHECK(probe.wait_for_line("got") == "got USR1");
}

TEST_CASE("sigsend: a ladder for a group climbs for those that were in it") {
  shell_job job("trap '' TERM; sleep 1000 & echo child $!; wait; wait; wait");
  const std::string sleeper = job.pid_of("child");
  const auto done =
      sigsend_json({"-s", "TERM", "--then", "100ms:KILL", "-w", "--", "-" + job.number()});
  CHECK(job.all_end());
  CHECK(done["targets"][0]["group"] == job.pid());
  CHECK(done["targets"][0]["steps"].size() == 1);
  REQUIRE(done["targets"].size() == 3);
  CHECK(done["targets"][1]["steps"].size() == 2);
  CHECK(done["targets"][2]["by_scope"] == true);
}

TEST_CASE("sigsend: what goes to its own group as well is not for a sigsend that has more to do") {
  const temporary_directory folder;
  const std::string log = folder.path() + "/log";
  const std::string script = "trap 'echo shell' TERM; \"$0\" ignore TERM >\"$2\" & "
                             "until grep -q ready \"$2\"; do :; done; \"$1\" -s TERM --wait=50ms "
                             "0; echo status $?; kill -KILL $!";
  child job({"sh", "-c", script, program("probe"), program("sigsend"), log},
            {.environment = {}, .before_exec = [] { ::setsid(); }, .argv0 = {}});
  CHECK(job.finish() == exit_status::exited(0));
  CHECK(contains(job.out(), "shell\n"));
  CHECK(contains(job.out(), "status 124\n"));
  const std::string once = "trap : TERM; \"$0\" -s TERM 0; echo status $?";
  child plain({"sh", "-c", once, program("sigsend")},
              {.environment = {}, .before_exec = [] { ::setsid(); }, .argv0 = {}});
  CHECK(plain.finish() == exit_status::exited(0));
  CHECK(contains(plain.out(), "status 143\n")); // as kill(1)
}

TEST_CASE(
    "sigsend: what cannot be blocked goes to its own group without it, where there is more to do") {
  const std::string script =
      "sleep 1000 & sleeper=$!; trap : TERM; "
      "\"$0\" -STOP --then 10ms:CONT --then 10ms:KILL -w $1 0; echo status $?; "
      "wait $sleeper; echo ended $?";
  // The shell itself is stopped, and goes on, and is killed: it has told by then.
  const std::string mark = new_mark();
  const killed_at_end cleanup{mark};
  child job({"setsid", "sh", "-c", "setsid -w sh -c \"$0\" \"$1\" --json; echo shell $?", script,
             program("sigsend")},
            {.environment = {mark}, .before_exec = {}, .argv0 = {}});
  CHECK(job.finish() == exit_status::exited(0));
  CHECK(contains(job.out(), "shell 137\n"));
  CHECK(contains(job.out(), "\"status\": 0"));
}

TEST_CASE("sigsend can be interrupted by the signal that it has sent to its own group") {
  const std::string mark = new_mark();
  const killed_at_end cleanup{mark};
  child job({"setsid", "sh", "-c",
             "trap '' INT; trap : TERM; \"$0\" ignore TERM >/dev/null & p=$!; "
             "until grep -q '^SigIgn:.*4...$' /proc/$p/status; do :; done; "
             "\"$1\" -TERM --wait 0 & s=$!; echo sigsend $s; wait $s; wait $s; "
             "echo status $?; kill -KILL $p",
             program("probe"), program("sigsend")},
            {.environment = {mark}, .before_exec = {}, .argv0 = {}});
  const int sender = std::stoi(said_by(job, "sigsend"));
  CHECK(eventually([&] { return has_open(sender, "anon_inode:[eventpoll]"); }));
  ::kill(sender, SIGTERM);
  CHECK(job.finish() == exit_status::exited(0));
  CHECK(contains(job.out(), "status 143\n"));
}
