#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sigkit/process_tree.hpp>
#include <sigkit/unique_fd.hpp>

#include "cli/sigtimeout.hpp"

using sigkit::exit_status;
using test::sigtimeout;
using test::text_of;
using namespace std::chrono_literals;

namespace {

/// The output of a shell script, run by bash so that it may use its redirections.
test::run_result script(const std::string& text) {
  return test::run({"bash", "-c", text, "bash", test::program("sigtimeout")});
}

} // namespace

TEST_CASE("five million lines through --idle are byte for byte the same") {
  const test::temporary_directory directory;
  for (const char* through : {"| cat >$2/out", ">$2/out", ">>$2/out"}) {
    const auto result = test::run({"bash", "-c",
                                   std::string("seq 1 5000000 >$2/wanted; rm -f $2/out;"
                                               "$1 --idle 100 1000 seq 1 5000000 ") +
                                       through + "; cmp $2/wanted $2/out",
                                   "bash", test::program("sigtimeout"), directory.path()});
    CHECK(result.status == exit_status::exited(0));
    CHECK_MESSAGE(result.err.empty(), through, ": ", result.err);
  }
}

TEST_CASE("five million lines on a pseudo-terminal are byte for byte the same") {
  const test::temporary_directory directory;
  // script(1) gives sigtimeout a terminal, whose own end of a line is taken out again.
  const auto result =
      test::run({"bash", "-c",
                 "seq 1 5000000 >$2/wanted; script -qec \"$1 --idle 100 1000 seq 1 5000000\" "
                 "/dev/null | tr -d '\\r' >$2/out; cmp $2/wanted $2/out",
                 "bash", test::program("sigtimeout"), directory.path()});
  CHECK(result.status == exit_status::exited(0));
  CHECK_MESSAGE(result.err.empty(), result.err);
}

TEST_CASE("stdout and stderr go each to its own place, and keep their order where they are one") {
  const auto apart = script("$1 --idle 100 1000 sh -c 'echo out; echo err >&2'");
  CHECK(apart.out == "out\n");
  CHECK(apart.err == "err\n");
  const auto one =
      script("$1 --idle 100 1000 bash -c 'for i in {1..500}; do echo $i; echo e$i >&2; done' 2>&1");
  std::string wanted;
  for (int i = 1; i <= 500; ++i)
    wanted += std::to_string(i) + "\ne" + std::to_string(i) + "\n";
  CHECK(one.out == wanted);
}

TEST_CASE("a reader that goes away ends the command by PIPE, as without us") {
  const auto result = script("$1 --idle 100 1000 yes | head -n 1; echo ${PIPESTATUS[0]}");
  CHECK(result.out == "y\n141\n");
}

TEST_CASE("a slow reader does not delay a limit, and one that takes nothing is given up") {
  const auto result = script(
      "{ $1 --idle 1000 .3 yes; echo $? >&2; } | { sleep 2; sleep 5; head -c 1 >/dev/null; }");
  CHECK(result.err.find("sigtimeout: nobody reads the output of command 'yes'") !=
        std::string::npos);
  CHECK(result.err.ends_with("124\n"));
}

TEST_CASE("while the reader takes nothing the command is not idle") {
  // The pipe and the relay are full long before the limit, and yes waits for the reader.
  const auto result =
      script("{ $1 --idle 2 1000 sh -c 'yes | head -c 5000000; exit 3'; echo $? >&2;"
             "} | { sleep 4; wc -c; }");
  CHECK(result.out == "5000000\n");
  CHECK(result.err == "3\n");
}

TEST_CASE("what the command wrote last is passed on") {
  for (int i = 0; i < 20; ++i) {
    const auto result = sigtimeout({"--idle", "100", "1000", "sh", "-c", "echo last; exit 3"});
    REQUIRE(result.status == exit_status::exited(3));
    REQUIRE(result.out == "last\n");
  }
}

TEST_CASE("what is left behind gets a broken pipe, and that is said") {
  const test::temporary_directory directory;
  const std::string file = directory.path() + "/ended";
  const auto result = script("$1 --idle 100 1000 bash -c '"
                             "(trap \"echo ended >" +
                             file +
                             "\" EXIT; while echo x; do sleep .05; "
                             "done) 2>/dev/null & exit 3'; echo $?");
  CHECK(result.out.ends_with("3\n"));
  CHECK(result.err == "sigtimeout: command 'bash' left processes that can still write its output: "
                      "they get a broken pipe\n");
  CHECK(test::eventually([&] { return text_of(file) == "ended\n"; }));
}

TEST_CASE("a full disk is said, and is 125") {
  const auto result = script("$1 --idle 100 1000 echo text >/dev/full");
  CHECK(result.status == exit_status::exited(125));
  CHECK(result.err == "sigtimeout: passing on the output: No space left on device\n");
}

TEST_CASE("the flags of what is inherited stay as they are") {
  const auto result = script("$1 --idle 100 1000 echo text; grep flags /proc/self/fdinfo/1");
  const auto plain = script("grep flags /proc/self/fdinfo/1");
  CHECK(result.out == "text\n" + plain.out);
}

TEST_CASE("without --pty a command knows that its output goes through a pipe, with it not") {
  const std::string ask = "'test -t 1 && echo yes || echo no; test -t 2 && echo yes >&2'";
  CHECK(script("$1 --idle 100 1000 sh -c " + ask).out == "no\n");
  const auto terminal = script("$1 --pty --idle 100 1000 sh -c " + ask);
  CHECK(terminal.out == "yes\n");
  CHECK(terminal.err.empty()); // stderr was none
  CHECK(script("$1 --pty 1000 sh -c " + ask).out == "yes\n");
}

TEST_CASE("a program that buffers when it writes to a pipe does not look idle with --pty") {
  const std::string job = "bash -c 'for i in 0 1 2 3; do echo $i; sleep .7; done | sed s/x/y/'";
  const auto result = script("$1 --pty --idle 2.5 1000 " + job);
  CHECK(result.status == exit_status::exited(0));
  CHECK(result.out == "0\n1\n2\n3\n");
}

TEST_CASE("messages do not wait for a reader of stderr that has stopped") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const sigkit::unique_fd read_end(ends[0]);
  const sigkit::unique_fd write_end(ends[1]);
  ::fcntl(write_end.get(), F_SETFL, O_NONBLOCK);
  while (::write(write_end.get(), "x", 1) == 1)
    continue;
  ::fcntl(write_end.get(), F_SETFL, 0);
  const auto result = sigtimeout({"-v", "--heartbeat", ".05", ".3", "sleep", "1000"},
                                 {.environment = {},
                                  .before_exec = [&] { ::dup2(write_end.get(), STDERR_FILENO); },
                                  .argv0 = {}});
  CHECK(result.status == exit_status::exited(124));
}

TEST_CASE(
    "what was written before the command's end is passed on, although others can still write") {
  const auto result =
      script("$1 --idle 1000 1000 sh -c 'sleep 1000 2>/dev/null & echo $! >&2; seq 250000' | "
             "(sleep 1; tail -n 1)");
  CHECK(result.out == "250000\n");
  ::kill(std::stoi(result.err), SIGKILL);
}

TEST_CASE("a reader that has stopped holds up neither the limit nor a signal from outside") {
  const auto limit = script("{ $1 --idle 1000 1 seq 500000; echo $? >&2; } | { sleep 8; }");
  CHECK(limit.err.find("nobody reads the output") != std::string::npos);
}

TEST_CASE("a TERM ends the wait for a reader that has stopped") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const sigkit::unique_fd read_end(ends[0]);
  sigkit::unique_fd write_end(ends[1]);
  const test::temporary_directory directory;
  const std::string ended = directory.path() + "/ended";
  test::child running(test::sigtimeout_words(
                          {"--idle", "1000", "0", "sh", "-c", "seq 250000; : >$0; exit 3", ended}),
                      {.environment = {},
                       .before_exec = [&] { ::dup2(write_end.get(), STDOUT_FILENO); },
                       .argv0 = {}});
  write_end.reset();
  CHECK(test::eventually([&] { return ::access(ended.c_str(), F_OK) == 0; }));
  CHECK(test::eventually([&] { return sigkit::descendants(running.pid()).empty(); }));
  ::kill(running.pid(), SIGTERM);
  CHECK(running.finish() == exit_status::exited(3));
  CHECK(running.err().find("nobody reads the output") != std::string::npos);
}

TEST_CASE(
    "nothing goes into the place of a closed stdout or stderr, and it is closed for the command") {
  const test::temporary_directory directory;
  const std::string at = directory.path();
  const auto report = script("$1 -v --heartbeat .05 --diagnose=" + at + "/diagnosis --report " +
                             at + "/report .2 sleep 1000 2>&-; echo $?");
  CHECK(report.out == "124\n");
  CHECK(text_of(at + "/report").starts_with("{"));
  CHECK(text_of(at + "/diagnosis").find("sending") == std::string::npos);
  for (const std::string option : {"--idle 100", "--pty", "--tree"}) {
    const auto closed = script("$1 " + option + " --report " + at +
                               "/other 1000 sh -c "
                               "'test -e /proc/$$/fd/1 && echo open >&2; exit 3' >&-; echo $? >&2");
    CHECK(closed.err.find("open") == std::string::npos);
    CHECK_MESSAGE(closed.err.ends_with("3\n"), closed.err);
    CHECK(text_of(at + "/other").starts_with("{"));
  }
}

TEST_CASE("what is written is passed on at once, without waiting for a line") {
  const test::temporary_directory directory;
  const auto result =
      script("mkfifo " + directory.path() +
             "/out; $1 --idle 1000 1000 sh -c 'printf part; exec sleep 1000' >" + directory.path() +
             "/out & head -c 4 <" + directory.path() + "/out; kill $!; wait $!; echo \" $?\"");
  CHECK(result.out == "part 143\n");
}
