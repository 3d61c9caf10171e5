#include "sigsend/request.hpp"

#include <algorithm>

#include "common/command_line.hpp"
#include "common/message.hpp"
#include "common/options.hpp"
#include "sigsend/conditions.hpp"

namespace sigkit::apps {

namespace {

using action = send_request::action;

constexpr const char* usage = "[-s SIG | -SIG | -n NUM] [OPTION]... TARGET...";

constexpr const char* description =
    "Send a signal to processes: TERM where none is given. Each is held before the\n"
    "first signal, so that none which got its PID meanwhile is ever hit.";

constexpr const char* footer =
    "TARGET is a PID; PID:INODE, that very process; NAME, every process of yours\n"
    "that is called so; @FILE, the PID in that file; -PGID, a process group; 0, the\n"
    "caller's own; or -1, every process. The first word -N or -NAME is the signal,\n"
    "unless it was given; after that, after a TARGET and after --, -N is a group.\n"
    "STEP is DUR:SIG or DUR:SIG@SCOPE: so long after the step before, send SIG.\n"
    "SCOPE is process, group, session, tree or cgroup. RE is a regular expression.\n"
    "\n"
    "Exit status: 0 all were signalled, 64 some were, 1 none or wrong usage,\n"
    "124 they have not ended in time.\n"
    "\n"
    "Examples:\n"
    "  sigsend -HUP nginx\n"
    "  sigsend --tree --preset docker --wait 4711";

constexpr const char* no_spec = "*"; ///< of -l without one

/// What stands for more than one value of the request.
struct unresolved {
  std::vector<signal_id> signals;
  const preset* ladder = nullptr;
  bool list_presets = false;
  std::vector<action> actions;
  std::vector<std::string> specs; ///< given as -l=SPEC, -d PID
  bool ladder_given = false;
};

/// The first -N or -NAME is the signal; then -N is a process group. A name in lower case is a
/// cluster of options.
word_meaning meaning_of(std::string_view word, const normal_words& before) {
  const std::string_view text = word.substr(1);
  if (text == "L") return {};
  if (text == "l=" || text == "d=")
    throw usage_error("option '-" + std::string(text.substr(0, 1)) + "': the value is empty");
  if (text.starts_with("l="))
    return {.is_operand = false, .option = "--list" + std::string(text.substr(1))};
  if (text.starts_with("d="))
    return {.is_operand = false, .option = "--show-process-state" + std::string(text.substr(1))};
  bool has_signal = !before.operands.empty(); // after a target, -N is a group
  for (const std::string& option : before.options)
    has_signal = has_signal || option.starts_with("--signal=") || option.starts_with("-n");
  const bool name = text.front() >= 'A' && text.front() <= 'Z';
  if (is_number(text) && has_signal) return {.is_operand = true, .option = {}};
  if (is_number(text) || name)
    return {.is_operand = false, .option = "--signal=" + std::string(text)};
  return {};
}

/// EXIT is what -l calls 0.
signal_id to_any_signal(std::string_view text) {
  return text == "EXIT" ? signull : to_signal(text);
}

signal_id to_signal_number(std::string_view text) {
  if (!is_number(text)) throw usage_error(in_quotes(text) + ": invalid signal number");
  return to_signal(text);
}

void add_classic_options(command_line& line, send_request& wanted, unresolved& open) {
  const auto choose = [&](action what) {
    return [&open, what](std::string_view text) {
      open.actions.push_back(what);
      if (text != no_spec) open.specs.emplace_back(text);
    };
  };
  line.group("Options as kill(1) has them", true);
  line.repeated(
      "-s,--signal", "SIG",
      [&](std::string_view text) { open.signals.push_back(to_any_signal(text)); },
      "the signal, by name or number");
  line.repeated(
      "-n", "NUM", [&](std::string_view text) { open.signals.push_back(to_signal_number(text)); },
      "the signal, by number");
  line.optional("-l,--list", "SPEC", no_spec, choose(action::list),
                "list the names of signals, or what each SPEC is");
  line.call(
      "-t", [&] { open.actions.push_back(action::described_table); },
      "list numbers, names and descriptions");
  line.call(
      "-L,--table", [&] { open.actions.push_back(action::table); }, "list numbers and names");
  line.group("Options as kill(1) has them"); // of util-linux, which takes no abbreviations
  line.option(
      "-q,--queue", "VALUE",
      [&](std::string_view text) { wanted.options.value = to_int(text, "--queue"); },
      "send it with this value, as sigqueue(3)");
  line.flag("-r,--require-handler", wanted.options.require_handler,
            "only to processes that catch the signal");
  line.repeated("-d,--show-process-state", "PID", choose(action::show_state),
                "show what the process does with signals");
  line.call(
      "-p,--pid", [&] { open.actions.push_back(action::print_pids); },
      "print the PIDs, and send nothing");
  line.flag("-a,--all", wanted.all_users, "NAME: the processes of all users");
}

void add_ladder_options(command_line& line, send_request& wanted, unresolved& open) {
  escalation_options& options = wanted.options;
  line.group("Further signals");
  line.pair(
      "--timeout", "MS SIG",
      [](std::string_view length, std::string_view signal) {
        if (!is_number(length)) throw usage_error("invalid milliseconds " + in_quotes(length));
        to_signal(signal);
        return "--then=" + std::string(length) + "ms:" + std::string(signal);
      },
      "after so many milliseconds, send SIG to those that\nare still there; repeatable");
  line.repeated(
      "--then", "STEP", [&](std::string_view text) { options.steps.push_back(to_step(text)); },
      "the next step, to those that are still there;\nrepeatable");
  line.repeated(
      "--preset", "NAME",
      [&](std::string_view text) {
        if (open.ladder != nullptr || open.list_presets) throw usage_error("more than one preset");
        open.list_presets = text == "help";
        if (!open.list_presets) open.ladder = &to_preset(text);
      },
      "the signals of github, docker, k8s, bazel, meson or\nctest; help lists them");
  line.optional(
      "-w,--wait", "DUR", "inf",
      [&](std::string_view text) {
        const duration length = to_duration(text, "--wait");
        options.wait = length == duration::zero() ? never : length;
      },
      "return when all have ended, or after DUR");
  line.group("What the signals reach");
  line.option(
      "--scope", "SCOPE",
      [&](std::string_view text) {
        options.reach = to_scope(text, "process, group, session, tree, cgroup");
      },
      "what each process stands for");
  line.alias("--tree", "--scope=tree", "the same as --scope=tree");
  line.flag("--include-self", options.include_self,
            "also a scope that contains sigsend or an ancestor");
  line.flag("--thread", wanted.threads, "TARGET is a thread: TID, or PID/TID");
  line.flag("--locked", wanted.locked, "@FILE: its writer must hold a lock on it");
}

void add_outputs(command_line& line, send_request& wanted, unresolved& open) {
  line.group("What is said");
  line.call(
      "--count", [&] { open.actions.push_back(action::print_count); },
      "print how many there are, and send nothing");
  line.call(
      "--dry-run", [&] { open.actions.push_back(action::only_say); },
      "say what would be sent to whom, and send nothing");
  line.flag("-i,--interactive", wanted.interactive, "ask before each");
  line.flag("-v,--verbose", wanted.verbose, "say what was sent, and what came of it");
  line.flag("--json", wanted.json, "the same for programs, on stdout");
  line.option(
      "--color", "WHEN", [&](std::string_view text) { wanted.colors = to_color_choice(text); },
      "color tables: auto, always or never");
}

bool is_list(action what) {
  return what == action::list || what == action::described_table || what == action::table ||
         what == action::show_state;
}

void choose_action(send_request& wanted, const unresolved& open) {
  if (open.actions.size() > 1)
    throw usage_error("more than one of -l, -t, -L, -d, -p, --count, --dry-run");
  if (open.actions.empty()) return;
  wanted.what = open.actions.front();
  const bool sends_none = is_list(wanted.what) || wanted.what == action::print_pids;
  if (sends_none && (!open.signals.empty() || wanted.options.value || open.ladder_given))
    throw usage_error("a signal to send, and -l, -t, -L, -d or -p, exclude each other");
  const bool is_about_processes = wanted.options.reach != scope::process || wanted.options.wait ||
                                  wanted.has_conditions || wanted.json || wanted.interactive;
  if (is_list(wanted.what) && is_about_processes)
    throw usage_error("processes to select, and -l, -t, -L or -d, exclude each other");
}

void resolve_ladder(send_request& wanted, const unresolved& open) {
  escalation_options& options = wanted.options;
  if (open.signals.size() > 1) throw usage_error("more than one signal");
  if (open.ladder != nullptr) {
    options.signal = open.ladder->signal;
    options.steps.insert(options.steps.begin(), open.ladder->steps.begin(),
                         open.ladder->steps.end());
  }
  if (!open.signals.empty()) options.signal = open.signals.front();
  const auto check = [](scope reach) {
    if (reach > scope::cgroup)
      throw usage_error(std::string("the scope ") + to_string(reach) +
                        " is for commands that sigtimeout or sigtrap start");
  };
  check(options.reach);
  for (const step& one : options.steps)
    check(one.reach.value_or(options.reach));
}

bool reaches_further(const send_request& wanted) {
  const auto reaches = [](const step& one) {
    return one.reach.value_or(scope::process) != scope::process;
  };
  return wanted.options.reach != scope::process ||
         std::ranges::any_of(wanted.options.steps, reaches);
}

void check_threads(const send_request& wanted) {
  if (!wanted.threads) return;
  if (reaches_further(wanted)) throw usage_error("--thread and a scope exclude each other");
  if (wanted.has_conditions) throw usage_error("--thread and conditions exclude each other");
  if (wanted.interactive) throw usage_error("--thread and --interactive exclude each other");
}

} // namespace

bool parse_send_request(int argc, char** argv, send_request& wanted) {
  command_line line(usage, description, footer);
  unresolved open;
  picked_ends ends;
  add_classic_options(line, wanted, open);
  add_ladder_options(line, wanted, open);
  add_conditions(line, wanted.conditions, ends);
  add_outputs(line, wanted, open);
  const auto operands =
      line.parse(argc, argv, {.stop_at_operand = false, .meaning_of = &meaning_of});
  if (!operands) return false;
  if (open.list_presets) {
    print_presets();
    return false;
  }
  open.ladder_given = open.ladder != nullptr || !wanted.options.steps.empty();
  wanted.has_conditions = resolve_conditions(wanted.conditions, ends);
  choose_action(wanted, open);
  resolve_ladder(wanted, open);
  check_threads(wanted);
  wanted.words = std::move(open.specs);
  wanted.words.insert(wanted.words.end(), operands->begin(), operands->end());
  if (wanted.words.empty() && !wanted.has_conditions && !is_list(wanted.what))
    throw usage_error("no process ID specified");
  const auto is_file = [](const std::string& word) { return word.starts_with('@'); };
  if (wanted.locked && std::ranges::none_of(wanted.words, is_file))
    throw usage_error("--locked needs a target @FILE");
  return true;
}

} // namespace sigkit::apps
