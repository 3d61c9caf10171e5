// siglist about processes whose signals are known.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include <sigkit/sigkit.hpp>

#include "cli/siglist.hpp"

using namespace sigkit;
using namespace test;

namespace {

/// Of a sanitizer, or the C library, whatever they handle for themselves.
bool is_own(const std::string& line) {
  for (const char* name : {"\tSEGV\t", "\tBUS\t", "\tFPE\t", "\tILL\t", "\tABRT\t"})
    if (contains(line, name)) return true;
  return false;
}

std::string without_own(const std::string& plain) {
  std::string result;
  for (const std::string& line : lines_of(plain))
    if (!is_own(line)) result += line + "\n";
  return result;
}

} // namespace

TEST_CASE("siglist -p shows each signal that is not usual, and what would happen") {
  const known_process process;
  const auto result = siglist({"-p", word(process.pid()), "--plain"});
  CHECK(result.status == exit_status::exited(0));
  CHECK(result.err.empty());
  const std::string limit = std::to_string(read_status(process.pid())->queue_limit);
  std::string queued;
  for (const std::string& line : lines_of(without_own(result.out))) {
    CHECK(line.starts_with(word(process.pid()) + "\t-\tprobe\t"));
    CHECK(contains(line, "\t" + limit + "\t"));
    queued = line.substr(line.find(limit) + limit.size() + 1);
    CAPTURE(queued);
    CHECK((queued == "1\tHUP\tignored\t-\t-\tnothing: ignored" ||
           queued == "10\tUSR1\tdefault\tblocked\t-\tstays pending: blocked" ||
           queued == "12\tUSR2\tdefault\tblocked\tprocess\tstays pending: blocked" ||
           queued == "15\tTERM\tcaught\t-\t-\truns its handler" ||
           queued == "35\tRTMIN+1\tcaught\t-\t-\truns its handler"));
  }
  CHECK(std::ranges::count(without_own(result.out), '\n') == 5);
}

TEST_CASE("siglist -p is readable: a heading, columns, the unusual first to see") {
  const known_process process;
  const auto result = siglist({"-p", word(process.pid())});
  const auto lines = lines_of(result.out);
  REQUIRE(lines.size() >= 7);
  CHECK(lines[0].starts_with(word(process.pid()) + " probe, of "));
  CHECK(contains(lines[0], ", sleeping; "));
  CHECK(contains(lines[0], " signals queued"));
  CHECK(lines[1] == "    NAME     DISPOSITION  BLOCKED  PENDING  SENT NOW");
  CHECK(line_with(result.out, " 1 ") ==
        " 1  HUP      ignored                        nothing: ignored");
  CHECK(line_with(result.out, "12 ") ==
        "12  USR2     default      blocked  process  stays pending: blocked");
  CHECK(line_with(result.out, "15 ") ==
        "15  TERM     caught                         runs its handler");
  const auto colored = siglist({"--color=always", "-p", word(process.pid())});
  CHECK(contains(colored.out, "\x1b[33m12  USR2 "));
  CHECK(contains(colored.out, "\x1b[2m 1  HUP "));
  CHECK_FALSE(contains(colored.out, "\x1b[33m15 "));
}

TEST_CASE("siglist -p --every shows all 64 signals, those that are usual too") {
  const known_process process;
  const auto result = siglist({"-p", word(process.pid()), "--every", "--plain"});
  CHECK(std::ranges::count(result.out, '\n') == 64);
  CHECK(contains(result.out, "\t2\tINT\tdefault\t-\t-\tterminates it\n"));
  CHECK(contains(result.out, "\t3\tQUIT\tdefault\t-\t-\tterminates it (core)\n"));
  CHECK(contains(result.out, "\t9\tKILL\tdefault\t-\t-\tterminates it\n"));
  CHECK(contains(result.out, "\t17\tCHLD\tdefault\t-\t-\tnothing: ignored by default\n"));
  CHECK(contains(result.out, "\t19\tSTOP\tdefault\t-\t-\tstops it\n"));
  CHECK(contains(result.out, "\t32\t32\tdefault\t-\t-\tterminates it\n"));
}

TEST_CASE("siglist -p says how full the queue is") {
  child process({probe, "hold", "RTMIN+2"});
  process.wait_for_line("ready");
  for (int value = 0; value < 3; ++value)
    queue(process.pid(), signal_id(SIGRTMIN + 2), value);
  const json document = json::parse(siglist({"--json", "-p", word(process.pid())}).out);
  CHECK(document["schema"] == "sigkit.siglist.processes/1");
  const json& one = document["processes"][0];
  CHECK(one["pid"] == process.pid());
  CHECK(one["name"] == "probe");
  CHECK(one["uid"] == ::geteuid());
  CHECK(one["queued"] >= 3);
  CHECK(one["queue_limit"] >= one["queued"]);
  CHECK(one["complete"] == true);
  const auto found = std::ranges::find_if(
      one["signals"], [](const json& signal) { return signal["name"] == "RTMIN+2"; });
  REQUIRE(found != one["signals"].end());
  CHECK(*found == json::parse(R"({"number": 36, "name": "RTMIN+2", "disposition": "default",
      "blocked": true, "blocking_threads": 1, "pending_process": true, "pending_threads": 0,
      "awaited": false, "outcome": "stays pending: blocked"})"));
}

TEST_CASE("siglist -p takes several processes, as words, lists and options") {
  const known_process first;
  const known_process second;
  const auto pids = [](const std::string& out) {
    std::vector<std::string> result;
    for (const std::string& line : lines_of(out)) {
      const std::string pid = line.substr(0, line.find('\t'));
      if (result.empty() || result.back() != pid) result.push_back(pid);
    }
    return result;
  };
  const std::vector<std::string> both{word(first.pid()), word(second.pid())};
  CHECK(pids(siglist({"--plain", "-p", both[0], both[1]}).out) == both);
  CHECK(pids(siglist({"--plain", "-p" + both[0] + "," + both[1]}).out) == both);
  CHECK(pids(siglist({"--plain", "--pid=" + both[0], "-p", both[1]}).out) == both);
  const auto text = siglist({"-p", both[0], both[1]});
  CHECK(contains(text.out, "\n\n" + both[1] + " probe, of "));
}

TEST_CASE("siglist -p names what does not exist, and shows the rest") {
  const known_process process;
  const auto result =
      siglist({"-p", "0", word(process.pid()), "4194305", "99999999999999999999", "--plain"});
  CHECK(result.status == exit_status::exited(1));
  CHECK(result.err == "siglist: '0': No such process\nsiglist: '4194305': No such process\n"
                      "siglist: '99999999999999999999': No such process\n");
  CHECK(std::ranges::count(without_own(result.out), '\n') == 5);
  const auto none = siglist({"-p", "4194305"});
  CHECK(none.status == exit_status::exited(1));
  CHECK(none.out.empty());
  CHECK(json::parse(siglist({"--json", "-p", "4194305"}).out)["processes"].empty());
}

TEST_CASE("siglist -p of processes that end while they are read never fails otherwise") {
  const std::string script = "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.0$i & echo $!; done";
  for (int round = 0; round < 20; ++round) {
    const auto pids = lines_of(run({"sh", "-c", script + " 2>/dev/null"}).out);
    std::vector<std::string> words{"--plain", "--threads", "-p"};
    words.insert(words.end(), pids.begin(), pids.end());
    const auto result = siglist(words);
    const auto code = result.status.exit_code();
    REQUIRE(code);
    CHECK(*code <= 1);
    for (const std::string& line : lines_of(result.err))
      CHECK_MESSAGE(line.ends_with(": No such process"), line);
    CHECK((*code == 1) == !result.err.empty());
  }
}

TEST_CASE("siglist -p --threads has a section for each thread") {
  child process({probe, "part", "USR1"});
  const std::string thread = process.wait_for_line("thread").substr(7);
  process.wait_for_line("ready");
  const std::string pid = word(process.pid());
  // While it makes a thread, the C library has blocked everything in the first one.
  REQUIRE(eventually([&] { return read_status(process.pid())->blocked.empty(); }));
  const auto whole = siglist({"-p", pid, "--plain"});
  CHECK(contains(whole.out, "\t10\tUSR1\tdefault\t1/2\t-\tterminates it\n"));
  REQUIRE(::tgkill(process.pid(), std::stoi(thread), SIGUSR1) == 0);
  const auto result = siglist({"-p", pid, "--threads", "--plain"});
  CHECK(contains(result.out, "\t10\tUSR1\tdefault\t1/2\tthread\tterminates it\n"));
  CHECK(contains(result.out, pid + "\t" + thread + "\tprobe\t"));
  CHECK(contains(lines_with(result.out, pid + "\t" + thread + "\t"),
                 "\tUSR1\tdefault\tblocked\tthread\tstays pending: blocked"));
  CHECK_FALSE(contains(lines_with(result.out, pid + "\t" + pid + "\t"), "\tUSR1\t"));
  const auto text = siglist({"-p", pid, "--threads"});
  CHECK(contains(text.out, ", 2 threads; "));
  CHECK(contains(text.out, "\nthread " + thread + " probe, "));
  const json document = json::parse(siglist({"-p", pid, "--threads", "--json"}).out);
  CHECK(document["processes"][0]["thread_count"] == 2);
  REQUIRE(document["processes"][0]["threads"].size() == 2);
  CHECK(document["processes"][0]["threads"][1]["tid"] == std::stoi(thread));
  // The ID of a thread stands for its process.
  CHECK(siglist({"-p", thread, "--plain"}).out.starts_with(pid + "\t-\tprobe\t"));
}

TEST_CASE("siglist -p shows what is taken by sigwait, and by a signalfd") {
  child process({probe, "catch"});
  process.wait_for_line("ready");
  const std::string pid = word(process.pid());
  CHECK(eventually([&] {
    return contains(siglist({"-p", pid, "--plain"}).out,
                    "\tTERM\tdefault\t-\t-\tis taken by sigwait\n");
  }));
  child limited({program("sigtimeout"), "1000", probe, "hold", "HUP"});
  limited.wait_for_line("ready");
  CHECK(contains(siglist({"-p", word(limited.pid()), "--plain"}).out,
                 "\tTERM\tdefault\tblocked\t-\tstays pending: blocked (signalfd)\n"));
}

TEST_CASE("siglist -p of what has ended, of what is stopped, and of the kernel's own threads") {
  const pid_t ended = ::fork();
  if (ended == 0) ::_exit(0);
  REQUIRE(eventually([&] { return read_process(ended)->state == 'Z'; }));
  const auto zombie = siglist({"-p", word(ended)});
  CHECK(zombie.status == exit_status::exited(0));
  CHECK(contains(zombie.out, "has ended; its parent, " + word(::getpid()) + ", has not waited"));
  CHECK(contains(siglist({"-p", word(ended), "--every", "--plain"}).out,
                 "\tKILL\tdefault\t-\t-\tnothing: it has ended\n"));
  ::waitpid(ended, nullptr, 0);

  const known_process stopped;
  ::kill(stopped.pid(), SIGSTOP);
  REQUIRE(eventually([&] { return read_process(stopped.pid())->state == 'T'; }));
  const auto result = siglist({"-p", word(stopped.pid()), "--every", "--plain"});
  CHECK(contains(result.out, "\tTERM\tcaught\t-\t-\tstays pending: it is stopped\n"));
  CHECK(contains(result.out, "\tCONT\tdefault\t-\t-\tcontinues it\n"));
  CHECK(contains(result.out, "\tKILL\tdefault\t-\t-\tterminates it\n"));
  CHECK(contains(siglist({"-p", word(stopped.pid())}).out, ", stopped; "));

  const auto kernel = read_process(2);
  if (!kernel || !kernel->kernel) SKIP("there are no kernel threads in this PID namespace");
  const auto thread = siglist({"-p", "2"});
  CHECK(contains(thread.out, "2 kthreadd, of root, a kernel thread; "));
  CHECK(line_with(thread.out, " 9 ") ==
        " 9  KILL      ignored                        nothing: ignored");
}

TEST_CASE("siglist has a word for a name that is empty") {
  child process({"sh", "-c", "printf '\\0' >/proc/$$/comm; echo ready; read -r line; :"},
                {.environment = {}, .before_exec = &read_for_ever, .argv0 = {}});
  process.wait_for_line("ready");
  const std::string pid = word(process.pid());
  REQUIRE(read_process(process.pid())->name.empty());
  CHECK(siglist({"-p", pid, "--plain"}).out.starts_with(pid + "\t-\t-\t"));
  CHECK(contains(lines_with(siglist({"--find", "--plain"}).out, pid + "\t"), "\t-\t1\t0x"));
}

TEST_CASE("siglist shows names that others chose without their control characters") {
  child process({"sh", "-c", "printf '\\033[31mx\\ty' >/proc/$$/comm; echo ready; read -r line; :"},
                {.environment = {}, .before_exec = &read_for_ever, .argv0 = {}});
  process.wait_for_line("ready");
  const std::string pid = word(process.pid());
  for (const std::string form : {"--color=never", "--plain", "--json"}) {
    CHECK_FALSE(contains(siglist({form, "-p", pid}).out, "\x1b"));
    CHECK_FALSE(contains(siglist({form, "--find", "--name", "31mx"}).out, "\x1b"));
  }
  CHECK(contains(siglist({"-p", pid}).out, pid + " \\x1b[31mx\\ty, of "));
  CHECK(contains(siglist({"--find", "--plain", "--name", "31mx"}).out, "\t\\x1b[31mx\\ty\t"));
}

TEST_CASE("siglist shows the processes of other users, and says what may not be read") {
  if (::geteuid() != 0) SKIP("needs root");
  const known_process process;
  const auto as_nobody = [](std::vector<std::string> words) {
    std::vector<std::string> all{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                                 program("siglist")};
    all.insert(all.end(), words.begin(), words.end());
    return run(all);
  };
  if (as_nobody({"--version"}).status != exit_status::exited(0))
    SKIP("another user cannot run what was built");
  const auto result = as_nobody({"-p", word(process.pid())});
  CHECK(result.status == exit_status::exited(0));
  CHECK(contains(result.out, " USR2     default      blocked  process  stays pending: blocked\n"));
  const std::string unknown = "siglist: " + word(process.pid()) +
                              ": whether it takes signals by sigwait(3) or signalfd(2) may not be "
                              "read\n";
  CHECK(result.err == unknown);
  CHECK(as_nobody({"--plain", "-p", word(process.pid())}).err == unknown);
  const auto document = json::parse(as_nobody({"--json", "-p", word(process.pid())}).out);
  CHECK(document["processes"][0]["complete"] == false);
  CHECK(contains(as_nobody({"--find", "--plain", "--pending", "USR2"}).out,
                 word(process.pid()) + "\troot\tprobe\t1\t"));
  // /proc may hide them altogether.
  const auto hidden = [&](const std::string& level, const std::string& words) {
    return run({"unshare", "--mount", "sh", "-c",
                "mount -t proc -o hidepid=" + level + " proc /proc || exit 77\n" +
                    "exec setpriv --reuid=65534 --regid=65534 --clear-groups " +
                    program("siglist") + " " + words});
  };
  const auto kept = hidden("1", "--plain -p " + word(process.pid()));
  if (kept.status == exit_status::exited(77) || contains(kept.err, "unshare"))
    SKIP("no /proc can be mounted here");
  CHECK(kept.status == exit_status::exited(1));
  CHECK(kept.err == "siglist: '" + word(process.pid()) + "': its signals may not be read\n");
  CHECK(hidden("2", "-p " + word(process.pid())).err == kept.err);
  const auto found = hidden("1", "--find");
  CHECK(found.status == exit_status::exited(1));
  CHECK(contains(found.err, " processes may not be looked at, PID 1 first\n"));
}

TEST_CASE("siglist --inherited shows what it was started with") {
  const run_options how{.environment = {},
                        .before_exec =
                            [] {
                              for (const signal_id signal : signal_set::changeable())
                                set_default(signal);
                              set_ignored(sighup);
                              pthread_sigmask(mask_change::set, {sigusr1, sigusr2});
                              ::raise(SIGUSR2);
                            },
                        .argv0 = {}};
  const auto result = siglist({"--inherited", "--plain"}, how);
  CHECK(result.status == exit_status::exited(0));
  CHECK(without_own(result.out) == "1\tHUP\tignored\t-\t-\tnothing: ignored\n"
                                   "10\tUSR1\tdefault\tblocked\t-\tstays pending: blocked\n"
                                   "12\tUSR2\tdefault\tblocked\tthread\tstays pending: blocked\n");
  CHECK(contains(siglist({"--inherited"}, how).out,
                 "\n12  USR2  default      blocked  thread   stays pending: blocked\n"));
  const json document = json::parse(siglist({"--inherited", "--json"}, how).out);
  CHECK(document["schema"] == "sigkit.siglist.inherited/1");
  CHECK(std::ranges::count(siglist({"--inherited", "--every", "--plain"}, how).out, '\n') == 64);
  // As the tools around it set it.
  CHECK(contains(run({"nohup", program("siglist"), "--inherited", "--plain"}).out,
                 "1\tHUP\tignored\t"));
  CHECK(contains(
      run({program("sigtrap"), "--block", "RTMIN+3", program("siglist"), "--inherited", "--plain"})
          .out,
      "37\tRTMIN+3\tdefault\tblocked\t-\t"));
}

TEST_CASE("siglist without /proc of its PID namespace says so, and knows what it inherited") {
  const auto outside = [](const std::string& words) {
    return run({"unshare", "--pid", "--fork", "sh", "-c",
                "trap '' HUP\n" + program("siglist") + " " + words + "; echo $?"});
  };
  const auto result = outside("-p 1");
  if (contains(result.err, "unshare")) SKIP("no PID namespace can be made here");
  CHECK(result.err == "siglist: reading processes: /proc does not show this PID namespace: No such "
                      "file or directory\n");
  CHECK(result.out == "1\n");
  CHECK(contains(outside("--find").err, "/proc does not show this PID namespace"));
  CHECK(contains(outside("--inherited --plain").out, "1\tHUP\tignored\t-\t-\tnothing: ignored\n"));
}

TEST_CASE("siglist knows that PID 1 of a namespace gets only what it catches") {
  const auto look = [] {
    return run({"unshare", "--pid", "--fork", "--mount-proc", "sh", "-c",
                "trap : USR1; " + program("siglist") + " --every --plain -p 1; :"});
  };
  if (contains(look().err, "unshare")) SKIP("no PID namespace can be made here");
  // A shell blocks everything for a moment before it waits.
  CHECK(eventually([&] {
    const std::string out = look().out;
    return contains(out, "\tTERM\tdefault\t-\t-\tnothing: PID 1 does not catch it\n") &&
           contains(out, "\tKILL\tdefault\t-\t-\tnothing: PID 1 does not catch it\n") &&
           contains(out, "\tUSR1\tcaught\t-\t-\truns its handler\n");
  }));
}
