#include "sigtimeout/request.hpp"

#include <chrono>
#include <cstddef>
#include <vector>

#include <sigkit/ladder.hpp>
#include <sigkit/wall_time.hpp>

#include "common/command_line.hpp"
#include "common/message.hpp"
#include "common/options.hpp"

namespace sigkit::apps {

namespace {

constexpr const char* usage = "[OPTION]... DUR COMMAND [ARG]...";

constexpr const char* description = "Run COMMAND, and send it a signal if it still runs after DUR.";

constexpr const char* footer =
    "DUR is a number with a unit: ns, us, ms, s (where there is none), m, h, d;\n"
    "or several, as 1h30m. 0 switches the limit off.\n"
    "STEP is DUR:SIG or DUR:SIG@SCOPE: so long after the step before, send SIG.\n"
    "SCOPE is process, group (where nothing is said), session, tree, cgroup,\n"
    "namespace, or auto (cgroup where one can be made, else tree). With the last\n"
    "four, nothing that COMMAND started is running when sigtimeout returns.\n"
    "\n"
    "Exit status: COMMAND's own, or\n"
    "  124  a limit was reached        125  sigtimeout itself failed\n"
    "  126  COMMAND cannot be run      127  COMMAND is not found\n"
    "  137  COMMAND was ended by KILL\n"
    "\n"
    "Examples:\n"
    "  sigtimeout --tree --diagnose 30m make check\n"
    "  sigtimeout --idle 5m --preset github 1h ./run-jobs";

/// What stands for more than one value of `supervise_options`.
struct unresolved {
  std::optional<duration> kill_after;
  ladder_options ladder;
  bool pty = false;
};

void add_classic_options(command_line& line, request& wanted, unresolved& open) {
  line.group("Options as timeout(1) has them", true);
  line.flag("-f,--foreground", wanted.options.foreground,
            "make no process group; signals reach COMMAND alone");
  line.option(
      "-k,--kill-after", "DUR", [&](std::string_view text) { open.kill_after = to_duration(text); },
      "send KILL if COMMAND still runs DUR after the first\n"
      "signal");
  line.flag("-p,--preserve-status", wanted.preserve_status,
            "exit with COMMAND's status even at the limit");
  line.option(
      "-s,--signal", "SIG", [&](std::string_view text) { open.ladder.signal = to_signal(text); },
      "the signal to send at the limit; TERM if not given");
  line.flag("-v,--verbose", wanted.verbose, "say each signal that is sent or received on stderr");
}

void add_reach_options(command_line& line, request& wanted, unresolved& open) {
  supervise_options& options = wanted.options;
  line.group("What the signals reach");
  line.option(
      "--scope", "SCOPE", [&](std::string_view text) { options.reach = to_scope(text); },
      "what the signals reach");
  line.alias("--tree", "--scope=tree", "the same as --scope=tree");
  line.repeated(
      "--then", "STEP", [&](std::string_view text) { options.steps.push_back(to_step(text)); },
      "the next step, if COMMAND still runs; repeatable");
  line.option(
      "--preset", "NAME", [&](std::string_view text) { open.ladder.choose_preset(text); },
      "the signals of github, docker, k8s, bazel, meson or\n"
      "ctest; help lists them");
  line.option(
      "--orphans", "HOW", [&](std::string_view text) { options.left_behind = to_orphans(text); },
      "leave, wait or kill what is left when COMMAND ends");
}

std::chrono::system_clock::time_point to_wall_time(std::string_view text) {
  const auto now = std::chrono::system_clock::now();
  const auto time = parse_wall_time(text, now);
  if (!time)
    throw usage_error("invalid time " + in_quotes(text) +
                      " for --until (HH:MM, HH:MM:SS, or as 2030-12-31T23:59:59Z)");
  if (*time <= now)
    throw usage_error("the time " + in_quotes(text) + " for --until is in the past");
  return *time;
}

void add_limits(command_line& line, request& wanted, unresolved& open) {
  supervise_options& options = wanted.options;
  line.group("Other limits");
  line.option(
      "--idle", "DUR", [&](std::string_view text) { options.idle = to_duration(text, "--idle"); },
      "also when COMMAND has written nothing for DUR");
  line.flag("--pty", open.pty, "give COMMAND a terminal for stdout and stderr");
  line.option(
      "--cpu", "DUR", [&](std::string_view text) { options.cpu = to_duration(text, "--cpu"); },
      "also when COMMAND and its descendants have used so\n"
      "much processor time");
  line.option(
      "--until", "TIME", [&](std::string_view text) { options.until = to_wall_time(text); },
      "also at a time of day, or of a date (RFC 3339)");
  line.option(
      "--timeout-status", "N",
      [&](std::string_view text) { wanted.timeout_status = to_status(text, "--timeout-status"); },
      "exit with N in place of 124");
}

void set_warning(supervise_options& options, std::string_view text) {
  const std::size_t colon = text.find(':');
  options.warn = to_duration(text.substr(0, colon), "--warn");
  options.warn_signal = signull;
  if (colon == std::string_view::npos) return;
  const std::optional<signal_id> signal = parse_signal(text.substr(colon + 1));
  if (!signal) throw usage_error(in_quotes(text.substr(colon + 1)) + ": invalid signal for --warn");
  options.warn_signal = *signal;
}

void add_reports(command_line& line, request& wanted) {
  supervise_options& options = wanted.options;
  line.group("On the way");
  line.option(
      "--warn", "DUR[:SIG]", [&](std::string_view text) { set_warning(options, text); },
      "so long before the limit: say so, and send SIG");
  line.option(
      "--heartbeat", "DUR",
      [&](std::string_view text) { options.heartbeat = to_duration(text, "--heartbeat"); },
      "say every DUR that COMMAND still runs");
  line.flag("--progress", wanted.progress, "show the time that is left, on a terminal");
  line.group("At the limit");
  line.option(
      "--on-timeout", "TEXT", [&](std::string_view text) { wanted.hook = text; },
      "run sh -c TEXT before the first signal");
  line.option(
      "--on-timeout-limit", "DUR",
      [&](std::string_view text) { options.hook_limit = to_duration(text, "--on-timeout-limit"); },
      "kill that after DUR; 10s if not given");
  line.optional(
      "--diagnose", "FILE", "-", [&](std::string_view text) { wanted.diagnose_to = text; },
      "say what every process was doing, on stderr or to\n"
      "FILE");
  line.option(
      "--report", "FILE", [&](std::string_view text) { wanted.report_to = text; },
      "write how it went to FILE, as JSON");
}

/// -k is the last step of the ladder.
void resolve(request& wanted, const unresolved& open) {
  supervise_options& options = wanted.options;
  const bool kills = open.kill_after.value_or(duration::zero()) != duration::zero();
  if (open.ladder.chosen != nullptr && open.kill_after)
    throw usage_error("options --kill-after and --preset exclude each other");
  if (kills) options.steps.push_back({*open.kill_after, sigkill, std::nullopt});
  open.ladder.put_into(options);
  if (options.hook_limit == duration::zero()) options.hook_limit = never;
  if (open.pty) options.relay = relay_by::terminal;
  options.accounting = !wanted.report_to.empty();
  options.find_all = !wanted.diagnose_to.empty();
}

} // namespace

bool parse_request(int argc, char** argv, request& wanted) {
  command_line line(usage, description, footer);
  unresolved open;
  add_classic_options(line, wanted, open);
  add_reach_options(line, wanted, open);
  add_limits(line, wanted, open);
  add_reports(line, wanted);
  const auto operands = line.parse(argc, argv, {.stop_at_operand = true, .meaning_of = {}});
  if (!operands) return false;
  if (open.ladder.list_presets) {
    print_presets();
    return false;
  }
  if (operands->empty()) throw usage_error("missing operand");
  wanted.options.limit = to_duration(operands->front());
  if (operands->size() < 2) throw usage_error("missing command");
  resolve(wanted, open);
  wanted.command = argv + argc - static_cast<std::ptrdiff_t>(operands->size()) + 1;
  return true;
}

} // namespace sigkit::apps
