#include <doctest/doctest.h>

#include <signal.h>
#include <unistd.h>

#include "cli/sigsend.hpp"

using namespace test;

TEST_CASE("sigsend sends TERM where no signal is given") {
  target probe;
  CHECK(sigsend({probe.number()}).status == exit_status::exited(0));
  CHECK(probe.finish() == exit_status::exited(7));
}

TEST_CASE("sigsend takes its signal in every way that kill does") {
  target probe;
  const std::string pid = probe.number();
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"-s", "USR1", pid},
                                             {"-sUSR1", pid},
                                             {"--signal=usr1", pid},
                                             {"--signal", "SIGUSR1", pid},
                                             {"-USR1", pid},
                                             {"-SIGUSR1", pid},
                                             {"-10", pid},
                                             {"-n", "10", pid},
                                             {"-n10", pid},
                                             {"-Usr1", pid}}) {
    CHECK(sigsend(words).status == exit_status::exited(0));
    CHECK(probe.wait_for_line("got") == "got USR1");
  }
  CHECK(sigsend({"-RTMIN+2", pid}).status == exit_status::exited(0));
  probe.wait_for_line("got RTMIN+2");
  CHECK(sigsend({"-0", pid}).status == exit_status::exited(0));
}

TEST_CASE("sigsend signals a group by a negative number, once the signal is given") {
  target probe;
  CHECK(sigsend({"-s", "USR1", "-" + probe.number()}).status == exit_status::exited(0));
  probe.wait_for_line("got USR1");
  CHECK(sigsend({"-USR2", "-" + probe.number()}).status == exit_status::exited(0));
  probe.wait_for_line("got USR2");
  CHECK(sigsend({"--", "-" + probe.number()}).status == exit_status::exited(0));
  CHECK(probe.finish() == exit_status::exited(7));
}

TEST_CASE("sigsend with a signal and nobody to send it to signals nobody") {
  for (const char* word : {"-1", "-9", "-TERM"}) {
    const auto result = sigsend({word});
    CHECK(result.status == exit_status::exited(1));
    CHECK(result.err == std::string("sigsend: no process ID specified\n") + help_hint);
  }
  CHECK(sigsend({}).status == exit_status::exited(1));
}

TEST_CASE("sigsend says which targets it could not signal") {
  target probe;
  const auto some = sigsend({"-s", "USR1", "4194000", probe.number()});
  CHECK(some.status == exit_status::exited(64));
  CHECK(some.err == "sigsend: '4194000': No such process\n");
  probe.wait_for_line("got USR1");
  CHECK(sigsend({"4194000"}).status == exit_status::exited(1));
}

TEST_CASE("sigsend refuses what is no target before anything is sent") {
  target probe;
  for (const char* word : {"", "99999999999", "99999999999999999999999", "-99999999999", "@", "0:5",
                           "5:0", "5:99999999999999999999"}) {
    const auto result = sigsend({"-s", "TERM", probe.number(), "--", word});
    CHECK(result.status == exit_status::exited(1));
    CHECK(result.err == "sigsend: '" + std::string(word) + "': invalid process id\n" + help_hint);
  }
  for (const char* word : {"1x", "+1", " 1", "x:1"}) { // which may be names
    const auto result = sigsend({word});
    CHECK(result.status == exit_status::exited(1));
    CHECK(result.err == "sigsend: '" + std::string(word) +
                            "': invalid process id, and no process of yours has this name\n");
  }
  CHECK(sigsend({"usr2"}).err ==
        "sigsend: 'usr2': invalid process id, and no process of yours has this name "
        "(-USR2 is the signal)\n");
  CHECK(sigsend({"-USR1", probe.number()}).status == exit_status::exited(0));
  CHECK(probe.wait_for_line("got") == "got USR1"); // and no TERM before it
}

TEST_CASE("sigsend refuses what is no signal, and two of them") {
  CHECK(sigsend({"-65", "1"}).err == std::string("sigsend: '65': invalid signal\n") + help_hint);
  CHECK(sigsend({"-s", "FOO", "1"}).err ==
        std::string("sigsend: 'FOO': invalid signal\n") + help_hint);
  CHECK(sigsend({"-n", "TERM", "1"}).err ==
        std::string("sigsend: 'TERM': invalid signal number\n") + help_hint);
  CHECK(sigsend({"-s", "TERM", "-INT", "1"}).err ==
        std::string("sigsend: more than one signal\n") + help_hint);
  CHECK(sigsend({"-cont", "1"}).err == std::string("sigsend: invalid option -- 'c'\n") + help_hint);
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"-65", "1"}, {"-s", "FOO", "1"}, {"-s", "TERM", "-INT", "1"}, {"-cont", "1"}})
    CHECK(sigsend(words).status == exit_status::exited(1));
}

TEST_CASE("sigsend takes the ID of a thread for its process, as kill(2) does") {
  target probe({"two-threads"});
  const std::string thread = said_by(probe, "thread");
  CHECK(thread != probe.number());
  CHECK(sigsend({"-USR1", thread}).status == exit_status::exited(0));
  CHECK(contains(probe.wait_for_line(""), "got USR1"));
  CHECK(sigsend({thread}).status == exit_status::exited(0));
  CHECK(probe.finish() == exit_status::killed(sigkit::sigterm));
}

TEST_CASE("sigsend takes its options after a target too") {
  target probe;
  CHECK(sigsend({probe.number(), "-s", "USR1"}).status == exit_status::exited(0));
  CHECK(probe.wait_for_line("got") == "got USR1");
  CHECK(sigsend({probe.number(), "-USR2", "-v"}).status == exit_status::exited(0));
  CHECK(probe.wait_for_line("got") == "got USR2");
  CHECK(sigsend({"--", "-2147483648"}).status == exit_status::exited(1));
}

TEST_CASE("sigsend reads its words as getopt_long does") {
  target probe;
  const std::string pid = probe.number();
  CHECK(sigsend({"-rs0", pid}).status == exit_status::exited(1)); // nobody catches 0
  CHECK(sigsend({"-vs0", pid}).status == exit_status::exited(0));
  CHECK(sigsend({"--sig=USR1", "--verb", pid}).status == exit_status::exited(0));
  CHECK(probe.wait_for_line("got") == "got USR1");
  CHECK(sigsend({"-q5", "-sUSR2", pid}).status == exit_status::exited(0));
  CHECK(probe.wait_for_line("got") == "got USR2");
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"--verbose=1", pid},
                                             {"--p", pid},
                                             {"--no-such", pid},
                                             {"-z", pid},
                                             {"-l="},
                                             {"--list="},
                                             {"-d="},
                                             {"--scope=", pid},
                                             {"-w=1", pid},
                                             {"--color=blue", pid},
                                             {"--preset=docker", "--preset=k8s", pid},
                                             {"--timeout", "1", "KILL@tree", pid},
                                             {"--thread", "-i", pid},
                                             {"-l", "--tree"},
                                             {"-t", "--name", "x"}}) {
    CAPTURE(words.front());
    const auto result = sigsend(words);
    CHECK(result.status == exit_status::exited(1));
    CHECK(result.err.starts_with("sigsend: "));
    CHECK(result.err.ends_with(help_hint));
  }
  CHECK(sigsend({"-USR1", pid}).status == exit_status::exited(0));
  CHECK(probe.wait_for_line("got") == "got USR1"); // and nothing before it
  CHECK(contains(sigsend({"--color=always", "--dry-run", "-r", pid}).out, "\x1b[2m"));
  CHECK(contains(sigsend({"--version"}).out, "sigsend (sigkit) "));
}
