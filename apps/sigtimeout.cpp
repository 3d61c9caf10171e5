#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstring>
#include <exception>
#include <string>

#include <sigkit/mask.hpp>
#include <sigkit/supervise.hpp>

#include "common/command_line.hpp"
#include "common/message.hpp"
#include "common/options.hpp"
#include "common/program.hpp"

namespace sigkit::apps {

namespace {

constexpr const char* usage = "[OPTION]... DUR COMMAND [ARG]...";

constexpr const char* description = "Run COMMAND, and send it a signal if it still runs after DUR.";

constexpr const char* footer =
    "DUR is a number with a unit: ns, us, ms, s (where there is none), m, h, d;\n"
    "or several, as 1h30m. 0 switches the limit off.\n"
    "STEP is DUR:SIG or DUR:SIG@SCOPE: so long after the step before, send SIG.\n"
    "SCOPE is process, group (where nothing is said), session or tree. With tree,\n"
    "nothing that COMMAND started is running when sigtimeout returns.\n"
    "\n"
    "Exit status: COMMAND's own, or\n"
    "  124  the limit was reached      125  sigtimeout itself failed\n"
    "  126  COMMAND cannot be run      127  COMMAND is not found\n"
    "  137  COMMAND was ended by KILL\n"
    "\n"
    "Examples:\n"
    "  sigtimeout --tree 30m make check\n"
    "  sigtimeout -s INT --then 10s:TERM --then 5s:KILL 1h30m ./run-jobs";

struct request {
  supervise_options options;
  bool preserve_status = false;
  bool verbose = false;
  std::optional<duration> kill_after;
  char** command = nullptr;
};

/// Says on stderr what is done, for -v.
class narrator final : public supervise_events {
public:
  narrator(const char* command, bool verbose) : command_(command), verbose_(verbose) {}

  void sending(signal_id signal, scope reach) noexcept override {
    if (!verbose_) return;
    const std::string whom = reach == scope::tree ? " to the tree of command " : " to command ";
    complain("sending signal " + signal.name() + whom + quoted(command_));
  }

  void received(const signal_info& info) noexcept override {
    if (!verbose_) return;
    complain("received signal " + info.signal.name() + " from " +
             sender_text(info.code, info.pid, info.uid));
  }

private:
  const char* command_;
  bool verbose_;
};

bool parse(int argc, char** argv, request& wanted) {
  supervise_options& options = wanted.options;
  command_line line(usage, description, footer);
  line.group("Options as timeout(1) has them", true);
  line.flag("-f,--foreground", wanted.options.foreground,
            "make no process group, so that COMMAND can use the\n"
            "terminal; signals reach COMMAND alone");
  line.option(
      "-k,--kill-after", "DUR",
      [&](std::string_view text) { wanted.kill_after = to_duration(text); },
      "send KILL if COMMAND still runs DUR after the first\n"
      "signal");
  line.flag("-p,--preserve-status", wanted.preserve_status,
            "exit with COMMAND's status even at the limit");
  line.option(
      "-s,--signal", "SIG", [&](std::string_view text) { options.signal = to_signal(text); },
      "the signal to send at the limit; TERM if not given");
  line.flag("-v,--verbose", wanted.verbose, "say each signal that is sent or received on stderr");
  line.group("Options");
  line.repeated(
      "--then", "STEP", [&](std::string_view text) { options.steps.push_back(to_step(text)); },
      "the next step, if COMMAND still runs; repeatable");
  line.option(
      "--scope", "SCOPE", [&](std::string_view text) { options.reach = to_scope(text); },
      "what the signals reach");
  line.alias("--tree", "--scope=tree", "the same as --scope=tree");

  const auto operands = line.parse(argc, argv, {.stop_at_operand = true, .meaning_of = {}});
  if (!operands) return false;
  if (operands->empty()) throw usage_error("missing operand");
  options.limit = to_duration(operands->front());
  if (operands->size() < 2) throw usage_error("missing command");
  if (wanted.kill_after.value_or(duration::zero()) != duration::zero())
    options.steps.push_back({*wanted.kill_after, sigkill, std::nullopt});
  wanted.command = argv + argc - static_cast<std::ptrdiff_t>(operands->size()) + 1;
  return true;
}

/// Ends this process by `signal`, as the command was, but with no core dump of our own. Returns
/// where that is not possible (as PID 1).
void die_by(signal_id signal) {
  ::prctl(PR_SET_DUMPABLE, 0);
  ::signal(signal.number(), SIG_DFL);
  ::kill(::getpid(), signal.number());
  pthread_sigmask(mask_change::unblock, {signal});
}

int report_survivors(const std::vector<process_facts>& survivors) {
  std::string text = "still running, although KILL was sent:";
  if (survivors.empty()) text += " processes that cannot be found";
  for (const process_facts& facts : survivors)
    text += " " + std::to_string(facts.pid) + " (" + escaped(facts.name) + ", state " +
            facts.state + ")";
  complain(text);
  return supervise_failed;
}

int exit_status_for(const request& wanted, const supervise_result& result) {
  if (result.exec_error != 0) {
    complain("failed to run command " + quoted(wanted.command[0]) + ": " +
             std::strerror(result.exec_error));
    return result.how == outcome::not_found ? not_found : cannot_run;
  }
  if (result.gave_up || !result.command) return report_survivors(result.survivors);
  const exit_status command = *result.command;
  const std::optional<signal_id> ended_by = command.signal();
  if (command.dumped_core()) complain("the monitored command dumped core");
  if (!result.limit_reached) {
    if (ended_by) die_by(*ended_by);
    return command.shell_status();
  }
  if (ended_by == sigkill) {
    // timeout(1) signals its own group, and so ends by KILL itself. What waits for a program of
    // that name may look for it.
    const bool as_timeout = program_name() == "timeout" && !wanted.options.foreground;
    if (as_timeout && wanted.options.reach == scope::group) die_by(sigkill);
    return killed;
  }
  return wanted.preserve_status ? command.shell_status() : timed_out;
}

} // namespace
} // namespace sigkit::apps

int sigkit_run_sigtimeout(int argc, char** argv) {
  using namespace sigkit;
  using namespace sigkit::apps;
  return run_program(argv, {.usage = supervise_failed, .other = supervise_failed}, [&] {
    request wanted;
    if (!parse(argc, argv, wanted)) return static_cast<int>(success);
    wanted.options.dedicated_process = true;
    narrator says(wanted.command[0], wanted.verbose);
    supervisor supervising(wanted.options, &says);
    // Signals stay blocked until this process has ended: one that comes after the command did
    // changes nothing any more.
    try {
      ::_exit(exit_status_for(wanted, supervising.run(wanted.command)));
    } catch (const std::exception& failed) {
      complain(failed.what());
      ::_exit(supervise_failed);
    }
  });
}
