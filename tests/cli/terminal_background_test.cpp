// sigtimeout on a real terminal, where it is not simply the job in front: in the background,
// without job control, when the terminal goes away, and what becomes of the terminal's modes.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <sigkit/process_tree.hpp>

#include "support/job.hpp"

using sigkit::exit_status;
using namespace test;

namespace {

/// Puts the terminal into another mode, and is then to be killed.
const std::string changes_modes = R"(sh -c 'stty raw -echo; echo re""ady $$; exec sleep 1000')";

/// Ends another command in front. At the prompt itself bash may not heed the key before the next.
void press_ctrl_c_beside_it(terminal& shell) {
  shell.command(waits);
  shell.wait_for_ready();
  shell.type(ctrl_c);
  CHECK(shell.value_of("$?") == "130");
}

} // namespace

TEST_CASE("in the background, a kill of the job's group reaches the command") {
  for (const std::string& wrapper : wrapped_or_not()) {
    CAPTURE(wrapper);
    terminal shell;
    const pid_t command = start_in_background(shell, wrapper + "probe catch TERM:3");
    CHECK(shell.gets_foreground(shell.leader()));
    CHECK(facts_of(command).group == supervisor_of(command));
    shell.command("kill -- -$!");
    wait_beside_prompt(shell, "got TERM");
    shell.command("wait $!");
    CHECK(shell.value_of("$?") == "3");
  }
}

TEST_CASE("in the background, keys do not reach the command, and a limit ends it") {
  for (const std::string& wrapper : wrappers) {
    CAPTURE(wrapper);
    terminal shell;
    const pid_t command = start_in_background(shell, wrapper + waits);
    press_ctrl_c_beside_it(shell);
    fire_limit(command);
    shell.command("wait $!");
    CHECK(shell.value_of("$?") == "124");
    check_usable(shell);
  }
}

TEST_CASE("a job from the background is brought to the front, and takes the keys there") {
  for (const std::string& wrapper : wrapped_or_not()) {
    CAPTURE(wrapper);
    terminal shell;
    const pid_t command = start_in_background(shell, wrapper + "probe catch TERM:3");
    shell.command("fg");
    CHECK(shell.gets_foreground(facts_of(command).group));
    shell.type(ctrl_c);
    shell.wait_for("got INT");
    shell.type(ctrl_z);
    shell.wait_for("Stopped");
    CHECK(stops(command));
    shell.command("fg");
    shell.wait_for("got CONT");
    ::kill(command, SIGTERM);
    CHECK(shell.value_of("$?") == "3");
  }
}

TEST_CASE("what sigtimeout says reaches the terminal from the background too") {
  terminal shell;
  shell.command("stty tostop");
  shell.command("sigtimeout -v 1000 sleep 1000 & echo pi''d $!.");
  shell.wait_for("pid ");
  const pid_t supervisor = std::stoi(shell.wait_for("."));
  REQUIRE(eventually([&] {
    const auto started = sigkit::descendants(supervisor);
    return started.size() == 1 && started[0].name == "sleep";
  }));
  ::kill(supervisor, SIGALRM);
  wait_beside_prompt(shell, "sigtimeout: sending signal TERM to command 'sleep'");
  shell.command("wait $!");
  CHECK(shell.value_of("$?") == "124");
}

TEST_CASE(
    "a job that stopped because it reads from the background goes on when it is brought back") {
  for (const std::string& wrapper : wrapped_or_not()) {
    CAPTURE(wrapper);
    terminal shell;
    const pid_t command = start_in_background(shell, wrapper + reader);
    CHECK(stops(command));
    // Before that the shell takes its job for a running one, and sends no CONT.
    if (has(wrapper, "sigtrap")) CHECK(stops(supervisor_of(command)));
    shell.command("fg");
    CHECK(shell.gets_foreground(facts_of(command).group));
    shell.type("hello\r");
    shell.wait_for("got:hello");
    CHECK(shell.value_of("$?") == "0");
  }
}

TEST_CASE("a command that stopped because it reads from the background is ended by a limit") {
  for (const std::string& wrapper : wrappers) {
    if (has(wrapper, "--foreground")) continue; // sends no CONT, as timeout(1) does not
    CAPTURE(wrapper);
    terminal screen(
        script("set -m; " + wrapper + reader + " & wait $!; echo \"status $?\"; read x"));
    const pid_t command = screen.wait_for_ready();
    CHECK(stops(command));
    fire_limit(command);
    screen.wait_for("status 124");
  }
}

TEST_CASE("without job control, a key and a limit end the command and not the shell") {
  for (const std::string& wrapper : wrappers) {
    CAPTURE(wrapper);
    terminal shell;
    shell.command("set +m");
    shell.command(wrapper + waits);
    const pid_t command = shell.wait_for_ready();
    CHECK(facts_of(command).group == shell.leader());
    shell.type(ctrl_c);
    CHECK(shell.value_of("$?") == "130");
    shell.command(wrapper + waits);
    fire_limit(shell.wait_for_ready());
    CHECK(shell.value_of("$?") == "124");
    shell.command(wrapper + reader);
    shell.wait_for_ready();
    shell.type("hello\r");
    shell.wait_for("got:hello");
    check_usable(shell);
  }
}

TEST_CASE("without job control, a command in the background is spared by Ctrl-C alone") {
  for (const std::string& wrapper : wrappers)
    for (const bool by_limit : {true, false}) {
      CAPTURE(wrapper);
      terminal shell;
      shell.command("set +m");
      const pid_t command = start_in_background(shell, wrapper + waits);
      press_ctrl_c_beside_it(shell);
      if (by_limit)
        fire_limit(command);
      else
        shell.command("kill $!");
      shell.command("wait $!");
      CHECK(shell.value_of("$?") == (by_limit ? "124" : "143"));
      CHECK(is_reaped(command));
      check_usable(shell);
    }
}

TEST_CASE("a hang-up leaves nothing running") {
  for (const std::string& wrapper : wrapped_or_not()) {
    CAPTURE(wrapper);
    terminal shell;
    start_in_background(shell, wrapper + waits);
    shell.command(wrapper + waits);
    shell.wait_for_ready();
    shell.type(ctrl_z);
    shell.wait_for("Stopped");
    shell.command(wrapper + waits);
    shell.wait_for_ready();
    shell.hang_up();
    shell.finish();
    CHECK(nothing_is_left(shell));
  }
}

TEST_CASE("a hang-up leaves nothing of a tree running, whatever session it went to") {
  terminal shell;
  shell.command("sigtimeout --tree 1000 sh -c 'setsid sleep 1000 & exec " + waits + "'");
  shell.wait_for_ready();
  shell.hang_up();
  shell.finish();
  CHECK(nothing_is_left(shell));
}

TEST_CASE("a hang-up ends a script with its command") {
  for (const std::string& wrapper : wrapped_or_not()) {
    CAPTURE(wrapper);
    terminal screen(script(wrapper + waits + "; echo went on"));
    screen.wait_for_ready();
    screen.hang_up();
    CHECK(screen.finish() == exit_status::killed(sigkit::sighup));
    CHECK(nothing_is_left(screen));
  }
}

TEST_CASE("modes that a command changed are as before when it had to be killed") {
  for (const std::string& wrapper : wrappers)
    for (const std::string signal : {"TERM", "KILL"}) {
      CAPTURE(wrapper);
      CAPTURE(signal);
      terminal screen(script("read line; " + with_option("-s " + signal, wrapper) + changes_modes +
                             "; echo \"status $?\"; exec sleep 1000"));
      const termios before = screen.modes();
      screen.type("\r");
      const pid_t command = screen.wait_for_ready();
      CHECK(!same_modes(screen.modes(), before));
      fire_limit(command);
      screen.wait_for(signal == "TERM" ? "status 124" : "status 137");
      CHECK(same_modes(screen.modes(), before));
    }
}

TEST_CASE("modes that a command changed are as before at the shell's prompt") {
  for (const std::string& wrapper : wrappers) {
    CAPTURE(wrapper);
    terminal shell;
    const std::string before = shell.value_of("$(stty -g)");
    shell.command(wrapper + changes_modes);
    fire_limit(shell.wait_for_ready());
    CHECK(shell.value_of("$?") == "124");
    CHECK(shell.value_of("$(stty -g)") == before);
  }
}

TEST_CASE("modes that a command left when it ended by itself stay") {
  for (const std::string& wrapper : wrapped_or_not()) {
    CAPTURE(wrapper);
    terminal screen(script(wrapper + "stty -echo; echo changed; exec sleep 1000"));
    screen.wait_for("changed");
    CHECK((screen.modes().c_lflag & ECHO) == 0);
  }
}

TEST_CASE("a limit in the background leaves the modes of what is in front alone") {
  for (const std::string& wrapper : wrappers) {
    CAPTURE(wrapper);
    terminal shell;
    const pid_t command = start_in_background(shell, wrapper + waits);
    const pid_t supervisor = supervisor_of(command);
    shell.command(changes_modes);
    shell.wait_for_ready();
    const termios before = shell.modes();
    fire_limit(command);
    CHECK(is_reaped(supervisor));
    CHECK(same_modes(shell.modes(), before));
  }
}

TEST_CASE("a job that was brought to the background leaves the modes of the shell's prompt alone") {
  for (const std::string& wrapper : wrappers) {
    if (has(wrapper, "--foreground")) continue; // sends no CONT, as timeout(1) does not
    CAPTURE(wrapper);
    terminal shell;
    shell.command(wrapper + waits);
    const pid_t command = shell.wait_for_ready();
    const pid_t supervisor = supervisor_of(command);
    shell.type(ctrl_z);
    shell.wait_for("Stopped");
    shell.command("bg; echo do''ne");
    shell.wait_for("done");
    shell.wait_for(terminal::prompt);
    REQUIRE(eventually([&] { return (shell.modes().c_lflag & ICANON) == 0; }));
    fire_limit(command);
    CHECK(is_reaped(supervisor));
    CHECK((shell.modes().c_lflag & ICANON) == 0);
  }
}

TEST_CASE("Ctrl-C ends the wait for what the command left behind") {
  terminal shell;
  shell.command("sigtimeout --orphans=wait 0 sh -c 'setsid sleep 1000 & echo re''ady $$'");
  const pid_t command = shell.wait_for_ready();
  CHECK(is_reaped(command));
  shell.type(ctrl_c);
  CHECK(shell.value_of("$?") == "0");
  CHECK(nothing_is_left_but_the_shell(shell));
}
