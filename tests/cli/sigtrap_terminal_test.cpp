// sigtrap as a part of jobs on a terminal, beyond what every wrapper is tried with.
#include "cli/sigtrap.hpp"
#include "support/job.hpp"

using namespace test;

TEST_CASE("a command that sigtrap holds in another way stops and goes on with its job as well") {
  for (const char* wrapper : {"sigtrap --scope=namespace ", "sigtrap --scope=session ",
                              "bash -c 'sleep 1000 & exec \"$@\"' - sigtrap --tree "}) {
    CAPTURE(wrapper);
    terminal shell;
    shell.command(std::string(wrapper) + waits);
    shell.wait_for("ready ");
    shell.wait_for("\n");
    const pid_t job = shell.foreground();
    shell.type(ctrl_z);
    shell.wait_for("Stopped");
    shell.command("fg");
    CHECK(shell.gets_foreground(job));
    shell.type(ctrl_c);
    CHECK(shell.value_of("$?") == "130");
    check_usable(shell);
  }
}

TEST_CASE("a wait for what is left can be stopped and ended by keys") {
  terminal shell;
  shell.command("sigtrap --orphans=wait sh -c 'sigtrap --default INT probe ignore USR1 & exit 3'");
  const pid_t job = facts_of(shell.wait_for_ready()).group;
  shell.type(ctrl_z);
  shell.wait_for("Stopped");
  shell.command("fg");
  CHECK(shell.gets_foreground(job));
  shell.type(ctrl_c);
  CHECK(shell.value_of("$?") == "3");
  check_usable(shell);
}

TEST_CASE("a key ends an action at the end that hangs") {
  terminal shell;
  shell.command("sigtrap --on EXIT='probe ignore USR1' sh -c 'exit 3'");
  shell.wait_for_ready();
  shell.type(ctrl_c);
  CHECK(shell.value_of("$?") == "3");
  check_usable(shell);
}

TEST_CASE("a hang-up is handed on by a sigtrap that leads the session") {
  terminal screen({program("sigtrap"), "--on", "EXIT=exit", program("probe"), "catch", "HUP:3"});
  screen.wait_for_ready();
  screen.hang_up();
  CHECK(screen.finish() == exit_status::exited(3));
}

TEST_CASE("in a session of its own the command has the terminal, where sigtrap is init") {
  terminal screen(
      {program("sigtrap"), "--init", "--scope=session", "bash", "--norc", "--noprofile", "-i"});
  CHECK(screen.value_of("$-").find('m') != std::string::npos); // job control
  screen.command(waits);
  screen.wait_for_ready();
  screen.type(ctrl_c);
  CHECK(screen.value_of("$?") == "130");
  screen.command("exec sh -c 'exit 7'");
  CHECK(screen.finish() == exit_status::exited(7));
}

TEST_CASE("keys act on a command that stands still by sigtrap's own STOP") {
  for (const bool ladder : {false, true}) {
    CAPTURE(ladder);
    terminal shell;
    shell.command(ladder ? "sigtrap --then 10ms:STOP probe catch INT:3"
                         : "sigtrap -r TERM:STOP probe catch INT:3");
    const pid_t command = shell.wait_for_ready();
    const pid_t supervisor = facts_of(command).parent;
    REQUIRE(::kill(supervisor, SIGTERM) == 0);
    CHECK(stops(command));
    shell.type(ctrl_z);
    shell.wait_for("Stopped");
    shell.command("fg");
    CHECK(shell.gets_foreground(facts_of(command).group));
    REQUIRE(::kill(supervisor, SIGTERM) == 0);
    CHECK(stops(command));
    shell.type(ctrl_c);
    CHECK(shell.value_of("$?") == "3");
    check_usable(shell);
  }
}
