// sigtimeout as a part of jobs on a real terminal. What counts is that it changes nothing: where
// it helps, the bare command goes through the same.
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "support/job.hpp"

using sigkit::exit_status;
using namespace test;

TEST_CASE("a key that ends a job ends a command and sigtimeout by that signal") {
  for (const auto& [key, status] : {std::pair{ctrl_c, "130"}, std::pair{ctrl_backslash, "131"}})
    for (const std::string& wrapper : wrapped_or_not()) {
      CAPTURE(wrapper);
      terminal shell;
      shell.command(wrapper + waits);
      CHECK(shell.gets_foreground(facts_of(shell.wait_for_ready()).group));
      shell.type(key);
      CHECK(shell.value_of("$?") == status);
      check_usable(shell);
    }
}

TEST_CASE("a command gets one signal for one key") {
  std::vector<std::string> nested = wrapped_or_not();
  nested.emplace_back("sigtimeout 1000 sigtimeout 1000 ");
  nested.emplace_back("bash -c 'sleep 1000 & exec \"$@\"' - sigtimeout -k 1000 --tree 1000 ");
  for (const std::string& wrapper : nested) {
    CAPTURE(wrapper);
    terminal shell;
    shell.command(wrapper + "probe catch TERM:5");
    const pid_t command = shell.wait_for_ready();
    for (const auto& [key, name] :
         {std::pair{ctrl_c, "INT"}, std::pair{ctrl_backslash, "QUIT"}, std::pair{ctrl_c, "INT"}}) {
      shell.type(key);
      const std::string got = std::string("got ") + name;
      shell.wait_for(got);
      // Pending signals are taken in the order of their numbers: had there been a second one, it
      // would be said before this.
      ::kill(supervisor_of(command), SIGUSR2);
      const std::string between = shell.wait_for("got USR2");
      CHECK_MESSAGE(!has(between, got), between);
    }
    ::kill(command, SIGTERM);
    CHECK(shell.value_of("$?") == "5");
  }
}

TEST_CASE("Ctrl-C ends a command in a session of its own") {
  terminal shell;
  shell.command("sigtimeout --scope=session 1000 " + waits);
  shell.wait_for_ready();
  shell.type(ctrl_c);
  CHECK(shell.value_of("$?") == "130");
  check_usable(shell);
}

TEST_CASE("Ctrl-Z stops a job, fg and bg go on with it, and a limit then ends it") {
  for (const std::string& wrapper : wrappers) {
    CAPTURE(wrapper);
    terminal shell;
    shell.command(wrapper + "probe catch TERM:5");
    const pid_t command = shell.wait_for_ready();
    const pid_t supervisor = supervisor_of(command);
    shell.type(ctrl_z);
    shell.wait_for("Stopped");
    CHECK(stops(command));
    CHECK(stops(supervisor));
    shell.command("fg");
    shell.wait_for("got CONT");
    CHECK(shell.gets_foreground(facts_of(command).group));
    shell.type(ctrl_z);
    shell.wait_for("Stopped");
    shell.command("bg");
    shell.wait_for("got CONT");
    CHECK(shell.gets_foreground(shell.leader()));
    fire_limit(command);
    shell.wait_for("got TERM");
    REQUIRE(is_reaped(supervisor));
    shell.type("\r");
    shell.wait_for("Exit 124");
    check_usable(shell);
  }
}

TEST_CASE("Ctrl-Z and fg do to a job of sigtimeout what they do to any") {
  for (const std::string& wrapper : wrapped_or_not()) {
    CAPTURE(wrapper);
    terminal shell;
    shell.command(wrapper + "probe catch INT:5");
    const pid_t command = shell.wait_for_ready();
    for (int i = 0; i < 3; ++i) {
      shell.type(ctrl_z);
      shell.wait_for("Stopped");
      CHECK(shell.value_of("$?") == "148");
      CHECK(stops(command));
      shell.command("fg");
      shell.wait_for("got CONT");
    }
    shell.type(ctrl_c);
    CHECK(!has(shell.wait_for("got INT"), "got "));
    CHECK(shell.value_of("$?") == "5");
  }
}

TEST_CASE("Ctrl-Z stops a job with a process in between, and fg goes on with it") {
  terminal shell;
  shell.command("bash -c 'sleep 1000 & exec sigtimeout --tree 1000 probe catch TERM:5'");
  const pid_t command = shell.wait_for_ready();
  shell.type(ctrl_z);
  shell.wait_for("Stopped");
  CHECK(stops(command));
  shell.command("fg");
  shell.wait_for("got CONT");
  ::kill(command, SIGTERM);
  CHECK(shell.value_of("$?") == "5");
}

TEST_CASE("a limit that was reached while the job was stopped ends it when it goes on") {
  for (const std::string& wrapper : wrappers) {
    CAPTURE(wrapper);
    terminal shell;
    shell.command(wrapper + waits);
    const pid_t command = shell.wait_for_ready();
    shell.type(ctrl_z);
    shell.wait_for("Stopped");
    fire_limit(command);
    shell.command("fg");
    CHECK(shell.value_of("$?") == "124");
    check_usable(shell);
  }
}

TEST_CASE("after a limit in the foreground the shell has the terminal again") {
  for (const std::string& wrapper : wrappers)
    for (const std::string signal : {"TERM", "KILL"}) {
      CAPTURE(wrapper);
      terminal shell;
      shell.command(with_option("-s " + signal, wrapper) + waits);
      fire_limit(shell.wait_for_ready());
      CHECK(shell.value_of("$?") == (signal == "TERM" ? "124" : "137"));
      check_usable(shell);
    }
}

TEST_CASE("a pipeline reads what is typed, until Ctrl-D") {
  for (const std::string& wrapper : wrapped_or_not()) {
    CAPTURE(wrapper);
    terminal shell;
    shell.command(wrapper + R"(sh -c 'echo re""ady $$; exec cat' | sed -u 's/^/out:/')");
    shell.wait_for_ready();
    for (const std::string line : {"one", "two"}) {
      shell.type(line + "\r");
      shell.wait_for("out:" + line);
    }
    shell.type(ctrl_d);
    CHECK(shell.value_of("${PIPESTATUS[*]}") == "0 0");
    check_usable(shell);
  }
}

TEST_CASE("Ctrl-C ends a pipeline, wherever sigtimeout stands in it") {
  for (const std::string& wrapper : wrapped_or_not())
    for (const std::string& line : {wrapper + waits + " | cat", "sleep 1000 | " + wrapper + waits,
                                    "sleep 1000 | " + wrapper + waits + " | cat",
                                    wrapper + waits + " | " + wrapper + "cat"}) {
      CAPTURE(line);
      terminal shell;
      shell.command(line);
      shell.wait_for_ready();
      shell.type(ctrl_c);
      const std::string statuses = shell.value_of("${PIPESTATUS[*]}");
      CHECK((statuses == "130 130" || statuses == "130 130 130"));
      check_usable(shell);
    }
}

TEST_CASE("one Ctrl-C ends a script that runs commands in a loop") {
  for (const std::string& wrapper : wrapped_or_not()) {
    CAPTURE(wrapper);
    terminal screen(script("while :; do " + wrapper + waits + "; done"));
    screen.wait_for_ready();
    screen.type(ctrl_c);
    CHECK(screen.finish() == exit_status::killed(sigkit::sigint));
    CHECK(nothing_is_left(screen));
  }
}

TEST_CASE("a limit in a script ends the command, not the script") {
  for (const std::string& wrapper : wrappers) {
    CAPTURE(wrapper);
    terminal screen(script(wrapper + waits + "; echo \"status $?\"; " + waits));
    fire_limit(screen.wait_for_ready());
    screen.wait_for("status 124");
    screen.wait_for_ready();
  }
}

TEST_CASE("a command reads the terminal, without --foreground") {
  const std::string in_quotes = R"(sh -c "echo re\"\"ady \$\$; read line; echo \"got:\$line\"")";
  for (const std::string& wrapper : wrapped_or_not())
    for (const std::string& line : {wrapper + reader, wrapper + reader + " | cat",
                                    "bash -c '" + wrapper + in_quotes + "; :'"}) {
      CAPTURE(line);
      terminal shell;
      shell.command(line);
      shell.wait_for_ready();
      shell.type("hello\r");
      shell.wait_for("got:hello");
      CHECK(shell.value_of("${PIPESTATUS[*]}").find_first_not_of("0 ") == std::string::npos);
    }
}

TEST_CASE("a command in a script reads the terminal, without --foreground") {
  for (const std::string& wrapper : wrapped_or_not())
    for (const std::string rest : {"", " | cat"}) {
      CAPTURE(wrapper);
      terminal screen(script(wrapper + reader + rest + "; exit 3"));
      screen.wait_for_ready();
      screen.type("hello\r");
      screen.wait_for("got:hello");
      CHECK(screen.finish() == exit_status::exited(3));
    }
}

TEST_CASE("the progress is shown in place, and goes away") {
  terminal shell;
  shell.command("sigtimeout --progress 1000 sh -c 'test -t 1 && echo a te''rminal; sleep 1.2; "
                "echo la''st; sleep .8'");
  shell.wait_for("a terminal");
  shell.wait_for(" gone, 16m");
  shell.wait_for(" left, last output ");
  shell.wait_for("last");
  CHECK(shell.value_of("$?") == "0");
}

TEST_CASE("with --idle and --pty a command still has a terminal, its size and the real keyboard") {
  terminal shell;
  shell.command("stty rows 33 cols 77");
  shell.command("sigtimeout --idle 1000 --pty 1000 sh -c 'test -t 1 && echo a te''rminal; "
                "stty size <&1; read line; echo got:$line'");
  shell.wait_for("a terminal");
  shell.wait_for("33 77");
  shell.type("hello\r");
  shell.wait_for("got:hello");
  CHECK(shell.value_of("$?") == "0");
}
