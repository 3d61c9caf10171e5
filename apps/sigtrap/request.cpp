#include "sigtrap/request.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "common/command_line.hpp"
#include "common/message.hpp"
#include "common/options.hpp"

namespace sigkit::apps {

namespace {

constexpr const char* usage = "[OPTION]... COMMAND [ARG]...\n"
                              "       sigtrap --wait SIGS [OPTION]...";

constexpr const char* description =
    "The shell's trap, for any program: run COMMAND, and act on signals for it.";

constexpr const char* footer =
    "SIGS is a comma list of signals, or all: every one that can be changed; for\n"
    "--on also EXIT (COMMAND has ended) and ERR (it ended other than 0).\n"
    "ACTION is text for sh -c, or\n"
    "  @forward    the signal goes to COMMAND, as without --on\n"
    "  @drop       nothing is done\n"
    "  @send:SIG   another signal goes to COMMAND\n"
    "  @kill       KILL does\n"
    "  @exit:N     COMMAND is ended, and N is the exit status\n"
    "With --ignore, --default, --block, --unblock, --list and --parent-death alone,\n"
    "sigtrap becomes COMMAND (same PID). Else it stays, and forwards every signal.\n"
    "\n"
    "Exit status: COMMAND's own, or\n"
    "  124  --wait ran out of time    125  sigtrap itself failed\n"
    "  126  COMMAND cannot be run     127  COMMAND is not found\n"
    "\n"
    "Examples:\n"
    "  sigtrap --on EXIT='rm -rf \"$dir\"' ./convert\n"
    "  sigtrap --init -r TERM:QUIT --then 8s:KILL nginx -g 'daemon off;'";

/// What the options say before it is known what they are for.
struct unresolved {
  ladder_options ladder;
  signal_set for_start;    ///< named by an option for COMMAND's start
  bool sets_start = false; ///< one of those that let sigtrap become COMMAND
  std::string supervises;  ///< the first option that makes sigtrap stay
  std::string of_waiting;  ///< the first of those that only go with --wait
  std::optional<int> count;
  std::optional<duration> timeout;
  bool subreaper = false;
};

/// Notes that an option makes sigtrap stay, or goes with --wait.
void note(std::string& first, const char* option) {
  if (first.empty()) first = option;
}

std::string in_upper_case(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](unsigned char letter) { return std::toupper(letter); });
  return result;
}

/// When an action is done: SIGS with EXIT and ERR.
trap to_occasions(std::string_view text) {
  trap result;
  for (bool more = true; more;) {
    const std::size_t comma = text.find(',');
    const std::string_view word = text.substr(0, comma);
    more = comma != std::string_view::npos;
    if (more) text.remove_prefix(comma + 1);
    const std::string name = in_upper_case(word);
    if (name == "EXIT")
      result.at_exit = true;
    else if (name == "ERR")
      result.at_error = true;
    else
      result.signals = result.signals | to_signal_set(word);
  }
  return result;
}

/// `text` begins with @.
trap_action to_builtin(std::string_view text) {
  using kind = trap_action::kind;
  if (text == "@forward") return {.what = kind::forward};
  if (text == "@drop") return {.what = kind::drop};
  if (text == "@kill") return {.what = kind::kill};
  if (text == "@send:" || text == "@exit:")
    throw usage_error("the action " + in_quotes(text) + " lacks what comes after the colon");
  if (text.starts_with("@send:")) return {.what = kind::send, .signal = to_signal(text.substr(6))};
  if (text.starts_with("@exit:"))
    return {.what = kind::leave, .status = to_status(text.substr(6), "@exit")};
  throw usage_error("unknown action " + in_quotes(text) +
                    " (@forward, @drop, @send:SIG, @exit:N, @kill, or text for sh -c)");
}

void add_trap(trap_request& wanted, std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0)
    throw usage_error("invalid value " + in_quotes(text) + " for --on (SIGS=ACTION)");
  const std::string_view action = text.substr(equals + 1);
  if (action.empty())
    throw usage_error("no action in " + in_quotes(text) + " (@drop is to do nothing)");
  trap one = to_occasions(text.substr(0, equals));
  const bool is_text = action.front() != '@';
  one.action = is_text ? trap_action{.what = trap_action::kind::run} : to_builtin(action);
  const bool at_end = one.at_exit || one.at_error;
  if (at_end && one.action.what == trap_action::kind::forward)
    throw usage_error("nothing can be forwarded in " + in_quotes(text) +
                      ": at EXIT and ERR no signal has come, and COMMAND has ended");
  wanted.options.traps.push_back(one);
  wanted.texts.emplace_back(is_text ? action : std::string_view());
}

/// FROM:TO as the --on that it is short for.
std::string rewritten(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size())
    throw usage_error("invalid value " + in_quotes(text) + " for --rewrite (FROM:TO)");
  const std::string from(text.substr(0, colon));
  if (const trap when = to_occasions(from); when.at_exit || when.at_error)
    throw usage_error("invalid value " + in_quotes(text) +
                      " for --rewrite: EXIT and ERR are no signals, and go with --on alone");
  const signal_id to = to_signal(text.substr(colon + 1));
  return "--on=" + from + "=" + (to == signull ? "@drop" : "@send:" + to.name());
}

void add_start_options(command_line& line, trap_request& wanted, unresolved& open) {
  const auto adds_to = [&open](signal_set& set) {
    return [&set, &open](std::string_view text) {
      set = set | to_signal_set(text);
      open.sets_start = true;
    };
  };
  supervise_options& options = wanted.options;
  line.group("What COMMAND does with signals when it starts");
  line.repeated("--ignore", "SIGS", adds_to(options.ignore), "COMMAND ignores these");
  line.repeated("--default", "SIGS", adds_to(options.reset),
                "these have their default action in COMMAND");
  line.repeated("--block", "SIGS", adds_to(options.block), "these are blocked when COMMAND starts");
  line.repeated("--unblock", "SIGS", adds_to(options.unblock),
                "these are not blocked when COMMAND starts");
  line.call(
      "--list", [&] { wanted.list = open.sets_start = true; },
      "say on stderr what of that was changed");
  line.option(
      "--parent-death", "SIG",
      [&](std::string_view text) {
        options.parent_death = to_signal(text);
        open.sets_start = true;
      },
      "sent to COMMAND when sigtrap's own parent ends");
}

void add_trap_options(command_line& line, trap_request& wanted, unresolved& open) {
  line.group("What is done when a signal comes");
  line.repeated(
      "--on", "SIGS=ACTION",
      [&](std::string_view text) {
        add_trap(wanted, text);
        note(open.supervises, "--on");
      },
      "do ACTION; those of one signal in order");
  line.rewritten("-r,--rewrite", "FROM:TO", rewritten,
                 "the same as --on FROM=@send:TO; TO 0: drop");
  line.option(
      "--action-limit", "DUR",
      [&](std::string_view text) {
        wanted.options.action_limit = to_duration(text, "--action-limit");
        note(open.supervises, "--action-limit");
      },
      "kill an action that still runs DUR after COMMAND\n"
      "has ended; 10s if not given");
}

void add_reach_options(command_line& line, trap_request& wanted, unresolved& open) {
  supervise_options& options = wanted.options;
  line.group("What signals reach");
  line.option(
      "--scope", "SCOPE",
      [&](std::string_view text) {
        options.reach = to_scope(text);
        note(open.supervises, "--scope");
      },
      "process (where nothing is said), group, session,\n"
      "tree, cgroup, namespace or auto");
  line.alias("--tree", "--scope=tree", "the same as --scope=tree");
  line.repeated(
      "--then", "STEP",
      [&](std::string_view text) {
        options.steps.push_back(to_step(text));
        note(open.supervises, "--then");
      },
      "DUR:SIG or DUR:SIG@SCOPE, after a TERM, INT or HUP;\n"
      "repeatable");
  line.option(
      "--preset", "NAME",
      [&](std::string_view text) {
        open.ladder.choose_preset(text);
        note(open.supervises, "--preset");
      },
      "the signals of github, docker, k8s, bazel, meson or\n"
      "ctest; help lists them");
  line.option(
      "--orphans", "HOW",
      [&](std::string_view text) {
        options.left_behind = to_orphans(text);
        open.subreaper = true;
        note(open.supervises, "--orphans");
      },
      "leave, wait or kill what is left when COMMAND ends");
}

void add_remap(trap_request& wanted, std::string_view text) {
  const std::size_t equals = text.find('=');
  const int from = to_status(text.substr(0, equals), "--remap");
  const int to =
      equals == std::string_view::npos ? 0 : to_status(text.substr(equals + 1), "--remap");
  wanted.options.remap.emplace_back(from, to);
}

void add_supervising_options(command_line& line, trap_request& wanted, unresolved& open) {
  line.group("Staying with COMMAND");
  line.call(
      "--init",
      [&] {
        wanted.is_init = true;
        note(open.supervises, "--init");
      },
      "what PID 1 has to do: reap every orphan, give\n"
      "COMMAND the terminal; by itself as PID 1");
  line.call(
      "--subreaper",
      [&] {
        open.subreaper = true;
        note(open.supervises, "--subreaper");
      },
      "reap orphans without being PID 1");
  line.repeated(
      "--remap", "STATUS[=N]",
      [&](std::string_view text) {
        add_remap(wanted, text);
        note(open.supervises, "--remap");
      },
      "COMMAND's exit status STATUS becomes N, or 0");
  line.call(
      "-v,--verbose",
      [&] {
        wanted.verbose = true;
        note(open.supervises, "--verbose");
      },
      "say on stderr what came, from whom, and what was\n"
      "done");
}

void add_wait_options(command_line& line, trap_request& wanted, unresolved& open) {
  line.group("Waiting, with no COMMAND");
  line.repeated(
      "--wait", "SIGS",
      [&](std::string_view text) { wanted.awaited = wanted.awaited | to_signal_set(text); },
      "a line for each signal that comes: number, name,\n"
      "sender's PID and UID, code, value");
  line.option(
      "--count", "N",
      [&](std::string_view text) {
        open.count = to_int(text, "--count");
        if (*open.count < 0) throw usage_error("invalid value " + in_quotes(text) + " for --count");
        note(open.of_waiting, "--count");
      },
      "until N have come; 1 if not given, 0 for ever");
  line.option(
      "--timeout", "DUR",
      [&](std::string_view text) {
        open.timeout = to_duration(text, "--timeout");
        note(open.of_waiting, "--timeout");
      },
      "for so long at most, then exit with 124");
  line.call(
      "--print-pid",
      [&] {
        wanted.print_pid = true;
        note(open.of_waiting, "--print-pid");
      },
      "first a line with sigtrap's own PID");
  line.call(
      "--json",
      [&] {
        wanted.json = true;
        note(open.of_waiting, "--json");
      },
      "each line is a JSON object");
}

void check_waiting(const unresolved& open, bool has_command) {
  if (has_command) throw usage_error("--wait takes no COMMAND");
  if (!open.supervises.empty())
    throw usage_error("--wait and " + open.supervises + " exclude each other");
  if (open.sets_start) throw usage_error("--wait takes no options for the start of a COMMAND");
}

void check_start(const supervise_options& options) {
  if (const signal_set both = options.ignore & options.reset; !both.empty())
    throw usage_error("both --ignore and --default: " + to_string(both));
  if (const signal_set both = options.block & options.unblock; !both.empty())
    throw usage_error("both --block and --unblock: " + to_string(both));
}

/// Whom an action at the end would reach.
void check_traps(const supervise_options& options) {
  using kind = trap_action::kind;
  for (const trap& one : options.traps) {
    const bool sends = one.action.what == kind::send || one.action.what == kind::kill;
    if (sends && (one.at_exit || one.at_error) && options.reach == scope::process)
      throw usage_error("at EXIT and ERR, @send and @kill reach nobody: COMMAND has ended, and the "
                        "scope is process");
  }
}

void resolve_supervising(trap_request& wanted, const unresolved& open) {
  supervise_options& options = wanted.options;
  wanted.is_init = wanted.is_init || ::getpid() == 1;
  options.stand_in = true;
  options.dedicated_process = options.catches_none = true;
  options.reap_orphans = wanted.is_init || open.subreaper;
  open.ladder.put_into(options);
  options.find_all = options.reach == scope::session;
  options.give_terminal = wanted.is_init;
}

} // namespace

bool parse_trap_request(int argc, char** argv, trap_request& wanted) {
  command_line line(usage, description, footer);
  unresolved open;
  wanted.options.reach = scope::process;
  add_start_options(line, wanted, open);
  add_trap_options(line, wanted, open);
  add_reach_options(line, wanted, open);
  add_supervising_options(line, wanted, open);
  add_wait_options(line, wanted, open);
  const auto operands = line.parse(argc, argv, {.stop_at_operand = true, .meaning_of = {}});
  if (!operands) return false;
  if (open.ladder.list_presets) {
    print_presets();
    return false;
  }
  if (!wanted.awaited.empty()) {
    check_waiting(open, !operands->empty());
    wanted.what = trap_request::job::wait;
    wanted.count = open.count.value_or(1);
    if (open.timeout && *open.timeout != duration::zero()) wanted.timeout = *open.timeout;
    return true;
  }
  if (!open.of_waiting.empty()) throw usage_error(open.of_waiting + " goes with --wait");
  if (operands->empty()) throw usage_error("missing command");
  check_start(wanted.options);
  wanted.command = argv + argc - static_cast<std::ptrdiff_t>(operands->size());
  if (open.sets_start && open.supervises.empty())
    wanted.what = trap_request::job::become;
  else
    resolve_supervising(wanted, open);
  check_traps(wanted.options);
  return true;
}

} // namespace sigkit::apps
