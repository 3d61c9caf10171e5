// A supervisor that stands in for its command, as a program uses it.
#include <doctest/doctest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include <sigkit/sigkit.hpp>

#include "support/child.hpp"
#include "support/supervised.hpp"

using namespace sigkit;
using namespace std::chrono_literals;
using test::supervise;

namespace {

int error_of(const supervise_options& options) {
  try {
    const supervisor refused(options);
  } catch (const error& failure) {
    return failure.code().value();
  }
  return 0;
}

/// Notes what happens; an action is a shell that exits with the number of its trap.
struct note_taker : supervise_events {
  std::vector<std::string> notes;

  std::optional<pidfd> run_action(const trap_occasion& why) noexcept override {
    notes.push_back("run " + std::to_string(why.trap) + " at " +
                    (why.why == trap_occasion::kind::signal ? why.info.signal.name() : "end") +
                    (why.status ? ", status " + std::to_string(*why.status) : ""));
    std::string script = "exit " + std::to_string(why.trap);
    std::string shell = "sh";
    std::string option = "-c";
    char* const argv[] = {shell.data(), option.data(), script.data(), nullptr};
    spawn_options how;
    how.group = 0;
    return std::move(spawn(argv, how).process);
  }
  void action_ended(const trap_occasion& why, exit_status how) noexcept override {
    notes.push_back("ended " + std::to_string(why.trap) + ": " + to_string(how));
  }
  void command_ended(exit_status how) noexcept override {
    notes.push_back("command " + to_string(how));
  }
  void not_forwarded(const signal_info& info, bool has_it) noexcept override {
    notes.push_back(info.signal.name() + (has_it ? " was there" : " dropped"));
  }
};

const trap_action runs{.what = trap_action::kind::run};

} // namespace

TEST_CASE("traps need a supervisor that stands in, and orphans one that does nothing else") {
  supervise_options options;
  options.traps = {{.signals = {sigusr1}, .action = runs}};
  CHECK(error_of(options) == EINVAL);
  options.stand_in = true;
  CHECK(error_of(options) == 0);
  options.traps[0].action = {.what = trap_action::kind::send, .signal = signal_id(99)};
  CHECK(error_of(options) == EINVAL);
  options.traps.clear();
  options.reap_orphans = true;
  CHECK(error_of(options) == EINVAL);
  options.dedicated_process = true;
  CHECK(error_of(options) == 0);
  options.parent_death = signal_id(99);
  CHECK(error_of(options) == EINVAL);
  options.parent_death = signull;
  options.action_limit = -1s;
  CHECK(error_of(options) == EINVAL);
}

TEST_CASE("a program's own actions run in order, for signals and at the end") {
  supervise_options options;
  options.stand_in = true;
  options.dedicated_process = true;
  options.reach = scope::process;
  options.traps = {
      {.signals = {sigusr1}, .action = runs},
      {.signals = {sigusr1}, .action = {.what = trap_action::kind::drop}},
      {.signals = {}, .at_exit = true, .action = runs},
      {.signals = {}, .at_error = true, .action = runs},
      {.signals = {sigusr1}, .action = {.what = trap_action::kind::send, .signal = sigusr2}}};
  note_taker notes;
  const auto result =
      supervise({"sh", "-c", "trap 'exit 7' USR2; kill -USR1 $PPID; while :; do sleep .02; done"},
                options, &notes);
  CHECK(result.command == exit_status::exited(7));
  CHECK_FALSE(result.status);
  CHECK(notes.notes == std::vector<std::string>{"run 0 at USR1", "ended 0: exited 0",
                                                "USR1 dropped", "command exited 7",
                                                "run 3 at end, status 7", "ended 3: exited 3",
                                                "run 2 at end, status 7", "ended 2: exited 2"});
}

TEST_CASE("a status of one's own, and one that stands for another") {
  supervise_options options;
  options.stand_in = true;
  options.remap = {{3, 4}};
  CHECK(supervise({"sh", "-c", "exit 3"}, options).status == 4);
  CHECK_FALSE(supervise({"sh", "-c", "exit 4"}, options).status);
  options.traps = {
      {.signals = {sigusr1}, .action = {.what = trap_action::kind::leave, .status = 9}}};
  const auto result = supervise({"sh", "-c", "kill -USR1 $PPID; exec sleep 1000"}, options);
  CHECK(result.status == 9);
  CHECK(result.command == exit_status::killed(sigterm));
}

TEST_CASE("in a program that does more, what it sends itself stays its own") {
  supervise_options options;
  options.stand_in = true;
  options.reach = scope::process;
  options.traps = {
      {.signals = {sigusr1}, .action = {.what = trap_action::kind::send, .signal = sigterm}}};
  int handled = 0;
  set_handler(sigusr1, [&](signal_id, const signal_info&) { ++handled; });
  const auto other = spawn(std::vector<char*>{const_cast<char*>("true"), nullptr}.data());
  struct self_sender : supervise_events {
    void command_ended(exit_status) noexcept override { ::raise(SIGUSR1); }
  } events;
  const auto result =
      supervise({"sh", "-c", "kill -USR1 $PPID; exec sleep 1000"}, options, &events);
  CHECK(result.command == exit_status::killed(sigterm));
  dispatch();
  CHECK(handled == 1);
  int status = 0;
  CHECK(::waitpid(other.process->pid(), &status, 0) == other.process->pid());
}

TEST_CASE("a supervisor of a command that cannot be run has done nothing") {
  supervise_options options;
  options.stand_in = true;
  options.traps = {{.signals = {}, .at_error = true, .at_exit = true, .action = runs}};
  note_taker notes;
  CHECK(supervise({"no-such-program"}, options, &notes).how == outcome::not_found);
  CHECK(notes.notes.empty());
}
