// What kill(1) of GNU and of util-linux do, through a link of that name.
#include <doctest/doctest.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sigkit/process_ref.hpp>

#include "cli/sigsend.hpp"

using namespace test;

namespace {

/// The link, in a folder of its own.
class kill_link {
public:
  kill_link() : path_(folder_.path() + "/kill") {
    REQUIRE(::symlink(program("sigsend").c_str(), path_.c_str()) == 0);
  }
  run_result operator()(std::vector<std::string> words) const {
    words.insert(words.begin(), path_);
    return run(std::move(words));
  }
  [[nodiscard]] const std::string& path() const { return path_; }

private:
  temporary_directory folder_;
  std::string path_;
};

constexpr const char* kill_hint = "Try 'kill --help' for more information.\n";

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

} // namespace

TEST_CASE("kill: usage errors are GNU's, with status 1") {
  const kill_link kill;
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{}, {"-TERM"}, {"-1"}, {"-9"}, {"--"}}) {
    const auto result = kill(words);
    CHECK(result.status == exit_status::exited(1));
    CHECK(result.err == std::string("kill: no process ID specified\n") + kill_hint);
  }
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"-l", "-l"},
                                             {"-l", "-t"},
                                             {"-l", "-s", "1"},
                                             {"-t", "-s", "1"},
                                             {"-l", "-1"},
                                             {"-l", "-1", "0"}}) {
    const auto result = kill(words);
    CHECK(result.status == exit_status::exited(1));
    CHECK(result.out.empty());
  }
  CHECK(kill({"-0", "no_pid"}).err.starts_with("kill: 'no_pid': invalid process id"));
  CHECK(kill({"-0", "no_pid"}).status == exit_status::exited(1));
  CHECK(kill({"-65", std::to_string(::getpid())}).status == exit_status::exited(1));
  CHECK(kill({"-s", "-5", std::to_string(::getpid())}).status == exit_status::exited(1));
}

TEST_CASE("kill: a signal is said as GNU and bash have it") {
  const kill_link kill;
  target probe;
  const std::string pid = probe.number();
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"-0", pid},
                                             {"-s0", pid},
                                             {"-n0", pid},
                                             {"-CONT", pid},
                                             {"-Cont", pid},
                                             {"-s", "cont", pid}})
    CHECK(kill(words).status == exit_status::exited(0));
  const auto refused = kill({"-cont", pid});
  CHECK(refused.status == exit_status::exited(1));
  CHECK(kill({"-0", "-1"}).status == exit_status::exited(0)); // broadcast, that the user has typed
}

TEST_CASE("kill -l lists and translates, several words too") {
  const kill_link kill;
  const std::string list = kill({"-l"}).out;
  CHECK(list.starts_with("EXIT\nHUP\nINT\nQUIT\n"));
  CHECK(std::ranges::count(list, '\n') == 65);
  CHECK(kill({"-l", "HUP", "TERM"}).out == "1\n15\n");
  CHECK(kill({"-l", "15", "143", "271", "0", "0x4002"}).out ==
        "TERM\nTERM\nTERM\nEXIT\nINT\nTERM\n");
  CHECK(kill({"-l", "137", "265"}).out == "KILL\nKILL\n");
  CHECK(kill({"--list=9"}).out == "KILL\n");
  CHECK(kill({"-l=0x3"}).out == "HUP\nINT\n");
  const auto some = kill({"-l", "INVALID", "TERM"});
  CHECK(some.status == exit_status::exited(1));
  CHECK(some.out == "15\n");
  CHECK(some.err == "kill: 'INVALID': invalid signal\n");
  std::vector<std::string> words{"-l"};
  for (std::size_t start = 0; start < list.size(); start = list.find('\n', start) + 1)
    words.push_back(list.substr(start, list.find('\n', start) - start));
  CHECK(kill(words).status == exit_status::exited(0));
  words.front() = "-t";
  CHECK(kill(words).status == exit_status::exited(0));
  CHECK(std::ranges::count(kill(words).out, '\n') == 65);
}

TEST_CASE("kill -t and -L are tables") {
  const kill_link kill;
  const std::string described = kill({"-t"}).out;
  CHECK(described.starts_with(" 0 EXIT "));
  CHECK(contains(described, "\n15 TERM     "));
  CHECK(std::ranges::count(described, '\n') == 65);
  const std::string table = kill({"-L"}).out;
  CHECK(table.starts_with(" 1 HUP\n 2 INT\n"));
  CHECK(kill({"--table"}).out == table);
  CHECK(kill({"-L", "TERM", "9"}).out == "15 TERM\n 9 KILL\n");
  CHECK(first_line(kill({"-t", "TERM"}).out).starts_with("15 TERM     "));
  CHECK(kill({"-t", "NONE"}).status == exit_status::exited(1));
}

TEST_CASE("kill: some that were signalled is 64, as util-linux has it") {
  const kill_link kill;
  target probe;
  const auto some = kill({"-USR1", "4194000", probe.number()});
  CHECK(some.status == exit_status::exited(64));
  CHECK(some.err == "kill: '4194000': No such process\n");
  CHECK(probe.wait_for_line("got") == "got USR1");
  CHECK(kill({"4194000"}).status == exit_status::exited(1));
  CHECK(kill({"-TERM", "--", "-4194000"}).err == "kill: '-4194000': No such process\n");
}

TEST_CASE("kill -p prints PIDs and sends nothing, and a signal with it is an error") {
  const kill_link kill;
  target probe;
  CHECK(kill({"-p", probe.number()}).out == probe.number() + "\n");
  CHECK(kill({"--pid", "4194000"}).status == exit_status::exited(1));
  CHECK(kill({"-p", "-s", "TERM", probe.number()}).status == exit_status::exited(1));
  CHECK(kill({"-p", "-q", "5", probe.number()}).status == exit_status::exited(1));
  CHECK(kill({"-USR1", probe.number()}).status == exit_status::exited(0));
  CHECK(probe.wait_for_line("got") == "got USR1");
}

TEST_CASE("kill -d shows what a process does with signals") {
  const kill_link kill;
  target ignores({"ignore", "HUP,RTMIN+1"});
  const std::string state = kill({"-d", ignores.number()}).out;
  if (SIGKIT_TESTS_SANITIZED) // which catches faults itself
    CHECK(state.starts_with("Ignored: HUP RTMIN+1\n"));
  else
    CHECK(state == "Ignored: HUP RTMIN+1\n");
  CHECK(kill({"-d=" + ignores.number()}).out == state);
  target holds({"hold", "USR1"});
  ::kill(holds.pid(), SIGUSR1);
  CHECK(contains(kill({"--show-process-state", holds.number()}).out,
                 "Pending (process): USR1\nBlocked: USR1\n"));
  CHECK(kill({"-d", "4194000"}).err == "kill: '4194000': No such process\n");
  CHECK(kill({"-d", "x"}).status == exit_status::exited(1));
  CHECK(kill({"-d"}).status == exit_status::exited(1));
  CHECK(kill({"-d", "1", "2"}).status == exit_status::exited(1));
}

TEST_CASE("kill -r sends only to those that catch the signal") {
  const kill_link kill;
  target handles({"handle", "USR1,TERM"});
  target plain({"ignore", "HUP"});
  const auto some = kill({"-r", "-s", "USR1", plain.number(), handles.number()});
  CHECK(some.status == exit_status::exited(0));
  CHECK(handles.wait_for_line("handled") == "handled 10");
  const auto none = kill({"-r", "-s", "USR1", plain.number()});
  CHECK(none.status == exit_status::exited(1));
  CHECK(none.err == "kill: no process catches USR1\n");
  CHECK(is_alive(plain.number()));
  const auto json = sigsend_json({"-r", "-s", "USR2", handles.number()});
  CHECK(json["targets"][0]["outcome"] == "no_handler");
  // What follows the first signal is not asked for: KILL is caught by nobody.
  CHECK(kill({"-r", "-s", "TERM", "--timeout", "1", "KILL", handles.number(), plain.number()})
            .status == exit_status::exited(0));
  CHECK(handles.finish() == exit_status::killed(sigkit::sigkill));
  CHECK(is_alive(plain.number()));
}

TEST_CASE("kill PID:INODE is for that very process") {
  const kill_link kill;
  target probe;
  const auto held = sigkit::pidfd::open(probe.pid());
  std::uint64_t inode = 0;
  try {
    inode = sigkit::inode_of(*held);
  } catch (const sigkit::error&) {
    CHECK(contains(kill({probe.number() + ":1"}).err, "6.9"));
    SKIP("pidfds have no inodes here");
  }
  CHECK(contains(kill({"-p", "--json", probe.number()}).out,
                 "\"inode\": " + std::to_string(inode) + ','));
  CHECK(kill({"-USR1", probe.number() + ":" + std::to_string(inode)}).status ==
        exit_status::exited(0));
  CHECK(probe.wait_for_line("got") == "got USR1");
  const auto other = kill({probe.number() + ":" + std::to_string(inode + 1)});
  CHECK(other.status == exit_status::exited(1));
  CHECK(other.err ==
        "kill: '" + probe.number() + ":" + std::to_string(inode + 1) + "': No such process\n");
  CHECK(is_alive(probe.number()));
}

TEST_CASE("kill -q queues values, in order") {
  const kill_link kill;
  constexpr int count =
      SIGKIT_TESTS_SANITIZED ? 50 : 1000; // programs with a sanitizer start slowly
  target probe({"values", "RTMIN+1"});
  for (int value = 1; value <= count; ++value)
    CHECK(kill({"-q", std::to_string(value), "-s", "RTMIN+1", probe.number()}).status ==
          exit_status::exited(0));
  CHECK(kill({"--queue=-1", "-s", "RTMIN+1", probe.number()}).status == exit_status::exited(0));
  CHECK(probe.finish() == exit_status::exited(0));
  std::string expected = "ready " + probe.number() + "\n";
  for (int value = 1; value <= count; ++value)
    expected += "value " + std::to_string(value) + "\n";
  CHECK(probe.out() == expected + "value -1\n");
  for (const char* value : {"x", "", "1x", "99999999999", "1.5"})
    CHECK(kill({"-q", value, "-s", "RTMIN+1", "1"}).status == exit_status::exited(1));
}

TEST_CASE("kill -q to a group goes to each member by itself") {
  const kill_link kill;
  shell_job job("trap '' 34; \"" + program("probe") + "\" values RTMIN+1 & \"" + program("probe") +
                "\" values RTMIN+1 & wait");
  job.wait_for_line("ready");
  job.wait_for_line("ready");
  const auto result = kill({"-q", "42", "-s", "RTMIN+1", "-r", "--", "-" + job.number()});
  CHECK(result.status == exit_status::exited(1)); // blocked is not caught
  const auto json = sigsend_json({"-q", "-1", "-s", "RTMIN+1", "--", "-" + job.number()});
  CHECK(json["value"] == -1);
  CHECK(json["targets"].size() == 3); // not the group itself
  job.wait_for_line("value -1");
  job.wait_for_line("value -1");
}

TEST_CASE("kill -q: a full queue is an error that says how many went") {
  const kill_link kill;
  const run_options tight{.environment = {},
                          .before_exec =
                              [] {
                                const rlimit limit{0, 0};
                                ::setrlimit(RLIMIT_SIGPENDING, &limit);
                              },
                          .argv0 = {}};
  target open({"values", "RTMIN+1"});
  target full({"hold", "RTMIN+1"}, tight);
  const auto some = kill({"-q", "3", "-s", "RTMIN+1", open.number(), full.number()});
  CHECK(some.status == exit_status::exited(64));
  CHECK(some.err == "kill: '" + full.number() +
                        "': its queue of signals is full\nkill: 1 of 2 were sent the value\n");
  CHECK(open.wait_for_line("value") == "value 3");
  CHECK(kill({"-q", "3", "-s", "RTMIN+1", full.number()}).status == exit_status::exited(1));
  // A ladder goes on: KILL needs no room.
  CHECK(kill({"-q", "3", "-s", "RTMIN+1", "--timeout", "1", "KILL", full.number()}).status ==
        exit_status::exited(64));
  CHECK(full.finish() == exit_status::killed(sigkit::sigkill));
}

TEST_CASE("kill --thread sends to one thread") {
  const kill_link kill;
  target probe({"two-threads"});
  const std::string line = probe.out().substr(0, probe.out().find('\n'));
  const std::string thread = line.substr(line.find(' ') + 1);
  CHECK(kill({"-USR1", "--thread", thread}).status == exit_status::exited(0));
  probe.wait_for_line("second got USR1");
  CHECK(kill({"-USR2", "--thread", probe.number()}).status == exit_status::exited(0));
  probe.wait_for_line("first got USR2");
  CHECK(kill({"-USR2", "--thread", probe.number() + "/" + thread}).status ==
        exit_status::exited(0));
  probe.wait_for_line("second got USR2");
  const auto other = kill({"--thread", "1/" + thread});
  CHECK(other.status == exit_status::exited(1));
  CHECK(other.err == "kill: '1/" + thread + "': no such thread\n");
  for (const char* word : {"x", "0", "1/", "/1", "1/x", "-5", "1/2/3"})
    CHECK(kill({"--thread", "--", word}).status == exit_status::exited(1));
  CHECK(kill({"--thread", "--tree", thread}).status == exit_status::exited(1));
  CHECK(kill({"--thread", "--name", "x", thread}).status == exit_status::exited(1));
  CHECK(is_alive(probe.number()));
}

TEST_CASE("sigsend: what stdout does not take is an error") {
  for (const char* options :
       {"-l", "-t", "-L", "--help", "--dry-run $$", "--json -0 $$", "--count $$"}) {
    const auto result =
        run({"sh", "-c", "\"$0\" " + std::string(options) + " >/dev/full", program("sigsend")});
    CHECK(result.status == exit_status::exited(1));
    CHECK(contains(result.err, "write error on stdout: No space left on device"));
  }
}

TEST_CASE("sigsend: the names of others are escaped, where a person reads them") {
  const temporary_directory folder;
  const std::string path = probe_named(folder, "a\x1b[31mb");
  child evil({path, "catch"});
  evil.wait_for_line("ready");
  const std::string pid = std::to_string(evil.pid());
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"--dry-run", pid}, {"-v", "-0", pid}}) {
    const auto result = sigsend(words);
    CHECK_FALSE(contains(result.out + result.err, "\x1b"));
    CHECK(contains(result.out + result.err, "a\\x1b[31mb"));
  }
}

TEST_CASE("sigsend: without a /proc of this PID namespace plain PIDs and groups work, the rest "
          "says why") {
  const auto result =
      run({"unshare", "--pid", "--fork", "sh", "-c",
           "sleep 1000 & \"$0\" -0 $!; echo pid $?; \"$0\" -0 -- -1; echo all $?; "
           "for o in '--tree 2' '--name x' 'sleep' '--then 1:KILL -- -2' '-r 2' '-i 2' '-d 2'; do "
           "\"$0\" $o; echo other $?; done; kill %1",
           program("sigsend")});
  if (contains(result.err, "unshare")) SKIP("no PID namespace can be made here");
  std::string expected = "pid 0\nall 0\n";
  for (int i = 0; i < 7; ++i)
    expected += "other 1\n";
  CHECK(result.out == expected);
  CHECK(contains(result.err, "/proc does not show this PID namespace"));
}
