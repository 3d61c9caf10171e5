#include <doctest/doctest.h>

#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <sigkit/cgroup.hpp>

#include "cli/sigsend.hpp"
#include "support/terminal.hpp"

using namespace test;

namespace {

/// Probes that nobody else has the names of.
struct named_probes {
  temporary_directory folder;
  std::string tag = "t" + std::to_string(::getpid() % 100000);
  std::string path_a = probe_named(folder, tag + "a");
  std::string path_b = probe_named(folder, tag + "b-with-a-long-name");
  child a{{path_a, "catch", "TERM:7"}};
  child b{{path_b, "catch", "TERM:7", "HUP:8"}};

  named_probes() {
    a.wait_for_line("ready");
    b.wait_for_line("ready");
  }
  [[nodiscard]] std::string number_a() const { return std::to_string(a.pid()); }
  [[nodiscard]] std::string number_b() const { return std::to_string(b.pid()); }
  [[nodiscard]] std::string both() const { return number_a() + "\n" + number_b() + "\n"; }
};

std::string pids(std::vector<std::string> words) {
  words.insert(words.begin(), "--pid");
  return sigsend(std::move(words)).out;
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

} // namespace

TEST_CASE("sigsend takes names: of the process, or the last part of argv[0]") {
  named_probes probes;
  CHECK(pids({probes.tag + "a"}) == probes.number_a() + "\n");
  CHECK(pids({probes.tag + "b-with-a-long-name"}) == probes.number_b() + "\n");
  CHECK(pids({(probes.tag + "b-with-a-long-name").substr(0, 15)}) == probes.number_b() + "\n");
  CHECK(pids({probes.tag}).empty());
  CHECK(sigsend({"-USR1", probes.tag + "a"}).status == exit_status::exited(0));
  CHECK(probes.a.wait_for_line("got") == "got USR1");
  const auto some = sigsend({"-USR2", probes.tag + "none", probes.tag + "a"});
  CHECK(some.status == exit_status::exited(64));
  CHECK(some.err == "sigsend: '" + probes.tag +
                        "none': invalid process id, and no process of yours has "
                        "this name\n");
  CHECK(probes.a.wait_for_line("got") == "got USR2");
}

TEST_CASE("sigsend: a name stands for this user's processes, with -a for all users'") {
  if (::geteuid() != 0) SKIP("only root can be another user");
  named_probes probes;
  REQUIRE(run({"chmod", "755", probes.folder.path()}).status == exit_status::exited(0));
  child other(
      {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", probes.path_a, "catch"});
  other.wait_for_line("ready");
  CHECK(pids({probes.tag + "a"}) == probes.number_a() + "\n");
  CHECK(pids({"-a", probes.tag + "a"}) ==
        probes.number_a() + "\n" + std::to_string(other.pid()) + "\n");
  CHECK(pids({"--name", probes.tag, "--user", "nobody"}) == std::to_string(other.pid()) + "\n");
  CHECK(pids({"--name", probes.tag + "a", "--user", "0,65534"}) ==
        probes.number_a() + "\n" + std::to_string(other.pid()) + "\n");
  CHECK(sigsend({"--user", "nobody-at-all", "--name", "x"}).err ==
        std::string("sigsend: no user is named 'nobody-at-all'\n") + help_hint);
  // As that user: what is not permitted is named.
  const auto refused = run({"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                            program("sigsend"), "-USR1", "--name", probes.tag + "a"});
  CHECK(refused.status == exit_status::exited(64));
  CHECK(refused.err ==
        "sigsend: " + probes.number_a() + " (" + probes.tag + "a): Operation not permitted\n");
  CHECK(other.wait_for_line("got") == "got USR1");
}

TEST_CASE("sigsend selects by regular expressions") {
  named_probes probes;
  CHECK(pids({"--name", probes.tag}) == probes.both());
  CHECK(pids({"--name", probes.tag + "(a|b)"}) == probes.both());
  CHECK(pids({"--name", probes.tag + "a", "-x"}) == probes.number_a() + "\n");
  CHECK(pids({"--name", probes.tag, "--exact"}).empty());
  CHECK(pids({"--command", probes.tag + ".* HUP:8"}) == probes.number_b() + "\n");
  CHECK(pids({"--command", ".*" + probes.tag + "a catch TERM:7", "-x"}) ==
        probes.number_a() + "\n");
  CHECK(pids({"--name", probes.tag, "--name", "a$"}) == probes.number_a() + "\n"); // both hold
  CHECK(pids({"--name", probes.tag, "--command", "HUP"}) == probes.number_b() + "\n");
  const auto long_name = sigsend({"--name", probes.tag + "b-with-a-long-name"});
  CHECK(long_name.status == exit_status::exited(1));
  CHECK(contains(long_name.err, "names have at most 15 characters"));
}

TEST_CASE("sigsend selects by parent, age and number, and the other way round") {
  named_probes probes;
  const std::string parent = std::to_string(::getpid());
  CHECK(pids({"--name", probes.tag, "--parent", parent}) == probes.both());
  CHECK(pids({"--name", probes.tag, "--parent", "1," + parent}) == probes.both());
  CHECK(pids({"--name", probes.tag, "--parent", "1"}).empty());
  CHECK(pids({"--name", probes.tag, "--newer", "1h"}) == probes.both());
  CHECK(pids({"--name", probes.tag, "--older", "1h"}).empty());
  CHECK(pids({"--name", probes.tag, "--older", "1ns"}) == probes.both());
  CHECK(pids({"--name", probes.tag, "--oldest"}) == probes.number_a() + "\n");
  CHECK(pids({"--name", probes.tag, "--newest"}) == probes.number_b() + "\n");
  const std::string others = pids({"--name", probes.tag, "--inverse"});
  CHECK_FALSE(contains("\n" + others, "\n" + probes.number_a() + "\n"));
  CHECK(pids({"--command", "HUP", "--inverse", probes.number_a(), probes.number_b()}) ==
        probes.number_a() + "\n");
}

TEST_CASE("sigsend: with targets, both must hold") {
  named_probes probes;
  CHECK(pids({"--command", "HUP", probes.number_a(), probes.number_b()}) ==
        probes.number_b() + "\n");
  CHECK(pids({"--command", "HUP", probes.tag + "a"}).empty());
  const auto none = sigsend({"--command", "HUP", probes.number_a()});
  CHECK(none.status == exit_status::exited(1));
  CHECK(none.err == "sigsend: no process matches\n");
  const std::string group = "-" + std::to_string(::getpgrp());
  CHECK(pids({"--name", probes.tag, "--", group}) == probes.both());
}

TEST_CASE("sigsend selects by terminal") {
  terminal screen(
      {"bash", "--norc", "--noprofile", "-c", "sleep 1000 & tty; echo re\"\"ady $!; wait"});
  const pid_t sleeper = screen.wait_for_ready();
  const auto facts = sigkit::read_process(sleeper);
  REQUIRE(facts);
  CHECK(facts->terminal != 0);
  const std::string link =
      std::filesystem::read_symlink("/proc/" + std::to_string(sleeper) + "/fd/1");
  const std::string name = link.substr(std::string("/dev/").size());
  CHECK(pids({"--tty", name, "--name", "^sleep$"}) == std::to_string(sleeper) + "\n");
  CHECK(pids({"--tty", "-," + link, "--name", "^sleep$", std::to_string(sleeper)}) ==
        std::to_string(sleeper) + "\n");
  CHECK(pids({"--tty", "-", std::to_string(sleeper)}).empty());
  CHECK(sigsend({"--tty", "none", "1"}).err ==
        std::string("sigsend: no terminal is named 'none'\n") + help_hint);
}

TEST_CASE(
    "sigsend: a condition never selects sigsend, its ancestors, PID 1 or the kernel's threads") {
  const auto shell =
      run({"sh", "-c", "\"$0\" -p --command . | tr '\\n' ' '; echo self $$", program("sigsend")});
  const std::string found = " " + shell.out;
  CHECK(contains(found, "self "));
  const std::string self = shell.out.substr(shell.out.rfind(' ') + 1);
  CHECK_FALSE(contains(found, " 1 "));
  CHECK_FALSE(contains(found, " 2 "));
  CHECK_FALSE(contains(found, " " + self.substr(0, self.size() - 1) + " "));
  CHECK_FALSE(contains(found, " " + std::to_string(::getpid()) + " "));
  CHECK(pids({"--command", ".", "1"}).empty());
  // Not by its own arguments either, as `pkill -f` hits the shell that calls it.
  const auto marker = run(
      {"sh", "-c", "\"$0\" --command 'no-such-command-4711'; echo status $?", program("sigsend")});
  CHECK(marker.out == "status 1\n");
}

TEST_CASE("sigsend: what selects nobody signals nobody") {
  for (std::vector<std::string> words :
       std::vector<std::vector<std::string>>{{"--name", ""},
                                             {"--name="},
                                             {"--command", ""},
                                             {"--name", "("},
                                             {"--name", "a{2"},
                                             {"--inverse"},
                                             {"--exact", "1"},
                                             {"--user", ""},
                                             {"--user", "root,"},
                                             {"--parent", "x"},
                                             {"--parent", "0"},
                                             {"--older", "x"},
                                             {"--newer", "-1"},
                                             {"--oldest", "--newest"},
                                             {"--oldest", "--inverse"},
                                             {"--cgroup", "relative"},
                                             {"--cgroup", "/no/such/cgroup"},
                                             {"--name", "no-such-4711"},
                                             {"-i", "--name", "no-such-4711"},
                                             {"--inverse", "--cgroup", "/no/such/cgroup"},
                                             {"-q", "1", "-USR1", "--", "-4194000"},
                                             {"-i", "--", "-4194000"},
                                             {"-TERM", "-0"},
                                             {"--locked", "1"}}) {
    CAPTURE(words.back());
    words.insert(words.begin(), "--count");
    const auto result = sigsend(words);
    CHECK(result.status == exit_status::exited(1));
    CHECK(result.err.starts_with("sigsend: "));
    CHECK(result.out == (result.err.ends_with(help_hint) ? "" : "0\n"));
  }
  CHECK(contains(sigsend({"--name", "a{2\x1b"}).err,
                 "invalid regular expression 'a{2\\x1b' for --name: "));
}

TEST_CASE("sigsend --count and --dry-run say, and send nothing") {
  named_probes probes;
  CHECK(sigsend({"--count", "--name", probes.tag}).out == "2\n");
  const auto none = sigsend({"--count", "--name", probes.tag + "c"});
  CHECK(none.out == "0\n");
  CHECK(none.status == exit_status::exited(1));
  const auto said = sigsend({"--dry-run", "--name", probes.tag});
  CHECK(said.status == exit_status::exited(0));
  CHECK(said.out.starts_with("TERM:\n"));
  CHECK(contains(said.out, "OUTCOME"));
  CHECK(contains(said.out, probes.number_b()));
  CHECK(contains(said.out, "HUP:8"));
  const auto json = sigsend_json({"--dry-run", "--name", probes.tag});
  CHECK(json["dry_run"] == true);
  CHECK(json["targets"][0]["outcome"] == "skipped");
  CHECK(sigsend({"-USR1", probes.number_a()}).status == exit_status::exited(0));
  CHECK(probes.a.wait_for_line("got") == "got USR1");
}

TEST_CASE("sigsend -i asks, and remembers a no") {
  named_probes probes;
  const auto answered = [&](const std::string& answers, const std::string& options) {
    return run({"sh", "-c",
                "printf '" + answers + "' | \"$0\" -i " + options + " --name " + probes.tag,
                program("sigsend")});
  };
  const auto some = answered("n\\ny\\n", "--json -USR1");
  CHECK(some.status == exit_status::exited(64));
  CHECK(contains(some.err, "send USR1 to " + probes.number_a() + " root"));
  CHECK(contains(some.err, probes.tag + "a catch TERM:7? [y/N] "));
  const auto json = nlohmann::json::parse(some.out);
  REQUIRE(json["targets"].size() == 2);
  CHECK(json["targets"][0]["outcome"] == "sent");
  CHECK(json["targets"][0]["pid"] == probes.b.pid());
  CHECK(json["targets"][1]["outcome"] == "skipped");
  CHECK(json["targets"][1]["pid"] == probes.a.pid());
  CHECK(probes.b.wait_for_line("got") == "got USR1");
  CHECK(answered("", "-TERM").status == exit_status::exited(1));
  CHECK(answered("yes\\nY\\n", "-USR2").status == exit_status::exited(0));
  CHECK(probes.a.wait_for_line("got") == "got USR2");
}

TEST_CASE("sigsend @FILE takes the PID in a file") {
  target probe;
  const temporary_directory folder;
  const std::string path = folder.path() + "/pid file";
  write_file(path, "  " + probe.number() + "\n");
  CHECK(sigsend({"-USR1", "@" + path}).status == exit_status::exited(0));
  CHECK(probe.wait_for_line("got") == "got USR1");
  write_file(path, probe.number() + "\n/var/lib/data\n1700000000\n");
  CHECK(sigsend({"-USR2", "@" + path}).status == exit_status::exited(0));
  CHECK(probe.wait_for_line("got") == "got USR2");
  const auto refused = [&](const std::string& text, const std::string& why) {
    write_file(path, text);
    const auto result = sigsend({"@" + path});
    CHECK(result.status == exit_status::exited(1));
    CHECK_MESSAGE(contains(result.err, why), result.err);
    CHECK(contains(result.err, path));
  };
  refused("", "it is empty");
  refused(" \n", "it is empty");
  refused("x\n", "there is no process id in its first line");
  refused("12 13\n", "there is no process id in its first line");
  refused("-1\n", "there is no process id in its first line");
  refused("0\n", "there is no process id in its first line");
  refused("99999999999\n", "there is no process id in its first line");
  refused(std::string(100, '1'), "there is no process id in its first line");
  refused("4194000\n", "No such process");
  CHECK(contains(sigsend({"@" + folder.path() + "/none"}).err, "No such file or directory"));
  CHECK(contains(sigsend({"@" + folder.path()}).err, "Is a directory"));
  const std::string pipe = folder.path() + "/pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(sigsend({"@" + pipe}).status == exit_status::exited(1)); // at once
}

TEST_CASE("sigsend @FILE --locked asks that its writer still holds a lock on it") {
  target probe;
  const temporary_directory folder;
  const std::string path = folder.path() + "/pid";
  write_file(path, probe.number() + "\n");
  const auto refused = [&](const std::string& why) {
    const auto result = sigsend({"--locked", "@" + path});
    CHECK(result.status == exit_status::exited(1));
    CHECK_MESSAGE(contains(result.err, why), result.err);
  };
  refused("stale");
  const std::string other = "process " + std::to_string(::getpid()) + " holds the lock";
  const sigkit::unique_fd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  for (const int how : {LOCK_EX, LOCK_SH}) {
    REQUIRE(::flock(file.get(), how) == 0);
    refused(other); // this process has it, not the probe
  }
  REQUIRE(::flock(file.get(), LOCK_UN) == 0);
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  REQUIRE(::fcntl(file.get(), F_SETLK, &lock) == 0);
  refused(other);
  // The one that took the lock has ended, and has left it to a child, as daemons do.
  child daemon(
      {"sh", "-c", "exec 9<\"$0\"; flock 9; (sleep 1000 & echo $! >\"$0\"; echo up $!)", path});
  lock.l_type = F_UNLCK;
  REQUIRE(::fcntl(file.get(), F_SETLK, &lock) == 0);
  const std::string sleeper = said_by(daemon, "up");
  CHECK(sigsend({"--locked", "-KILL", "@" + path}).status == exit_status::exited(0));
  CHECK(eventually([&] { return !is_alive(sleeper); }));
}
