// What the tests of jobs on a terminal share.
#pragma once

#include <doctest/doctest.h>

#include <signal.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sigkit/process.hpp>

#include "support/terminal.hpp"

namespace test {

/// Says "ready PID", and then waits with the signals of the terminal as they are by default.
inline const std::string waits = "probe ignore USR1";

/// Reads a line. The echo of this command, where it is typed, does not contain "ready".
inline const std::string reader = R"(sh -c 'echo re""ady $$; read line; echo "got:$line"')";

/// With -k: the KILL that the tree has after 5 s comes too early on a busy machine.
inline const std::vector<std::string> wrappers{
    "sigtimeout 1000 ", "sigtimeout -k 1000 --tree 1000 ", "sigtimeout --scope=process 1000 ",
    "sigtimeout --foreground 1000 "};

/// The wrappers and sigtrap's, and first the bare command.
inline std::vector<std::string> wrapped_or_not() {
  std::vector<std::string> all{"", "sigtrap ", "sigtrap --tree --subreaper "};
  all.insert(all.end(), wrappers.begin(), wrappers.end());
  return all;
}

/// The wrapper with one more option.
inline std::string with_option(const std::string& option, std::string wrapper) {
  return wrapper.insert(wrapper.find(' '), " " + option);
}

/// A shell that is no interactive one, and has no job control.
inline std::vector<std::string> script(const std::string& text) {
  return {"bash", "--norc", "--noprofile", "-c", text};
}

inline sigkit::process_facts facts_of(pid_t pid) {
  const auto facts = sigkit::read_process(pid);
  REQUIRE(facts);
  return *facts;
}

/// The sigtimeout or sigtrap that runs `command`: the outermost, where there are several.
inline pid_t supervisor_of(pid_t command) {
  pid_t found = command;
  for (auto parent = facts_of(facts_of(found).parent);
       parent.name == "sigtimeout" || parent.name == "sigtrap"; parent = facts_of(parent.parent))
    found = parent.pid;
  return found;
}

/// Has the limit of the sigtimeout that runs `command` fire now.
inline void fire_limit(pid_t command) {
  const pid_t supervisor = supervisor_of(command);
  REQUIRE(supervisor != command);
  REQUIRE(::kill(supervisor, SIGALRM) == 0);
}

inline bool stops(pid_t pid) {
  return eventually([pid] {
    const auto facts = sigkit::read_process(pid);
    return facts && facts->state == 'T';
  });
}

inline bool is_reaped(pid_t pid) {
  return eventually([pid] { return !sigkit::read_process(pid); });
}

inline bool nothing_is_left(const terminal& screen) {
  return eventually([&] { return screen.processes().empty(); });
}

inline bool nothing_is_left_but_the_shell(const terminal& screen) {
  return eventually([&] { return screen.processes().size() == 1; });
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Waits for what a job in the background says, before the shell's prompt or after it: another
/// prompt follows in any case.
inline void wait_beside_prompt(terminal& shell, const std::string& text) {
  shell.wait_for(text);
  shell.type("\r");
}

/// Starts it in the background and returns the PID that it says.
inline pid_t start_in_background(terminal& shell, const std::string& line) {
  shell.command(line + " &");
  const pid_t command = shell.wait_for_ready();
  wait_beside_prompt(shell, "");
  return command;
}

/// The shell has the terminal again, and can be used.
inline void check_usable(terminal& shell) {
  CHECK(shell.value_of("$((6 * 7))") == "42");
  CHECK(shell.gets_foreground(shell.leader()));
}

} // namespace test
