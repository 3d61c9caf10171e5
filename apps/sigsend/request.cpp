#include "sigsend/request.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include <sigkit/cgroup.hpp>

#include "common/command_line.hpp"
#include "common/message.hpp"
#include "common/options.hpp"

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

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

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
  if (!is_number(text)) throw usage_error(quoted(text) + ": invalid signal number");
  return to_signal(text);
}

int to_int(std::string_view text, const char* option) {
  int value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, failed] = std::from_chars(text.data(), end, value);
  if (failed != std::errc{} || rest != end)
    throw usage_error("invalid value " + quoted(text) + " for " + std::string(option));
  return value;
}

duration to_age(std::string_view text, const char* option) {
  const auto length = parse_duration(text);
  if (!length)
    throw usage_error("invalid time interval " + quoted(text) + " for " + std::string(option));
  return *length;
}

/// Calls `take` for each word of a list.
template <class Take> void for_each_word(std::string_view list, const char* option, Take take) {
  for (;;) {
    const std::size_t comma = list.find(',');
    const std::string_view word = list.substr(0, comma);
    if (word.empty()) throw usage_error("empty value in the list for " + std::string(option));
    take(word);
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

uid_t to_user(std::string_view text) {
  const auto number = user_number(std::string(text));
  if (!number) throw usage_error("no user is named " + quoted(text));
  return *number;
}

pid_t to_parent(std::string_view text) {
  const int pid = is_number(text) ? to_int(text, "--parent") : 0;
  if (pid <= 0) throw usage_error("invalid process id " + quoted(text) + " for --parent");
  return pid;
}

/// "pts/3", "/dev/pts/3", or "-": none.
int to_terminal(std::string_view text) {
  if (text == "-" || text == "?") return 0;
  const std::string path = text.starts_with('/') ? std::string(text) : "/dev/" + std::string(text);
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0 || !S_ISCHR(found.st_mode))
    throw usage_error("no terminal is named " + quoted(text));
  return static_cast<int>(found.st_rdev);
}

/// The directory that cgroup2 is mounted on, from one below it; the directory itself where it is
/// that.
std::string mount_of(std::string directory) {
  for (;;) {
    const std::size_t slash = directory.rfind('/');
    if (slash == 0 || slash == std::string::npos || !cgroup::open(directory.substr(0, slash)))
      return directory;
    directory.resize(slash);
  }
}

/// As /proc/PID/cgroup has it: the path below the mount, where it may be that of the directory. One
/// that is not there is an error, or --inverse would mean everyone.
std::string to_cgroup(std::string_view text) {
  std::string path(text);
  while (path.size() > 1 && path.ends_with('/'))
    path.pop_back();
  if (!path.starts_with('/'))
    throw usage_error("invalid cgroup " + quoted(text) + ": a path from the root on");
  if (cgroup::open(path)) {
    const std::size_t mount = mount_of(path).size();
    return mount == path.size() ? "/" : path.substr(mount);
  }
  const auto own = cgroup::of(::getpid());
  if (!own || !cgroup::open(mount_of(own->path()) + path))
    throw usage_error("there is no cgroup " + quoted(text) + " (version 2)");
  return path;
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
        if (!is_number(length)) throw usage_error("invalid milliseconds " + quoted(length));
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
        const duration length = to_age(text, "--wait");
        options.wait = length == duration::zero() ? never : length;
      },
      "return when all have ended, or after DUR");
  line.group("What the signals reach");
  line.option(
      "--scope", "SCOPE", [&](std::string_view text) { options.reach = to_scope(text); },
      "what each process stands for");
  line.alias("--tree", "--scope=tree", "the same as --scope=tree");
  line.flag("--include-self", options.include_self,
            "also a scope that contains sigsend or an ancestor");
  line.flag("--thread", wanted.threads, "TARGET is a thread: TID, or PID/TID");
  line.flag("--locked", wanted.locked, "@FILE: its writer must hold a lock on it");
}

void add_conditions(command_line& line, send_request& wanted) {
  process_conditions& conditions = wanted.conditions;
  line.group("Only processes for which all of these hold");
  const auto take_pattern = [](std::vector<std::string>& patterns, const char* option) {
    return [&patterns, option](std::string_view text) {
      if (const auto why = error_in_pattern(std::string(text)))
        throw usage_error("invalid regular expression " + quoted(text) + " for " + option + ": " +
                          *why);
      patterns.emplace_back(text);
    };
  };
  line.repeated("--name", "RE", take_pattern(conditions.name, "--name"), "in the process's name");
  line.repeated("--command", "RE", take_pattern(conditions.command, "--command"),
                "in its arguments, joined by spaces");
  line.flag("-x,--exact", conditions.exact, "RE matches the whole of it");
  line.repeated(
      "--user", "U",
      [&](std::string_view text) {
        for_each_word(text, "--user",
                      [&](auto word) { conditions.users.push_back(to_user(word)); });
      },
      "of this effective user, or of these");
  line.repeated(
      "--parent", "PID",
      [&](std::string_view text) {
        for_each_word(text, "--parent",
                      [&](auto word) { conditions.parents.push_back(to_parent(word)); });
      },
      "children of this process");
  line.repeated(
      "--tty", "T",
      [&](std::string_view text) {
        for_each_word(text, "--tty",
                      [&](auto word) { conditions.terminals.push_back(to_terminal(word)); });
      },
      "on this terminal, as pts/3; - for none");
  line.option(
      "--older", "DUR", [&](std::string_view text) { conditions.older = to_age(text, "--older"); },
      "started at least DUR ago");
  line.option(
      "--newer", "DUR", [&](std::string_view text) { conditions.newer = to_age(text, "--newer"); },
      "started less than DUR ago");
  line.repeated(
      "--cgroup", "PATH",
      [&](std::string_view text) { conditions.cgroups.push_back(to_cgroup(text)); },
      "in this cgroup (version 2), or below it");
  line.flag("--inverse", conditions.inverse, "those for which they do not all hold");
}

void add_further_options(command_line& line, send_request& wanted, unresolved& open, bool& oldest,
                         bool& newest) {
  line.flag("--oldest", oldest, "of those found, the one that started first");
  line.flag("--newest", newest, "of those found, the one that started last");
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

bool has_conditions(const process_conditions& one) {
  return !one.name.empty() || !one.command.empty() || !one.users.empty() || !one.parents.empty() ||
         !one.terminals.empty() || one.older || one.newer || !one.cgroups.empty() ||
         one.only != process_conditions::pick::all;
}

void resolve_conditions(send_request& wanted, bool oldest, bool newest) {
  process_conditions& conditions = wanted.conditions;
  using pick = process_conditions::pick;
  if (oldest && newest) throw usage_error("options --oldest and --newest exclude each other");
  conditions.only = oldest ? pick::oldest : newest ? pick::newest : pick::all;
  wanted.has_conditions = has_conditions(conditions);
  const bool has_pattern = !conditions.name.empty() || !conditions.command.empty();
  if (conditions.exact && !has_pattern) throw usage_error("--exact needs --name or --command");
  if (conditions.inverse && !wanted.has_conditions)
    throw usage_error("--inverse needs a condition");
  if (conditions.inverse && conditions.only != pick::all)
    throw usage_error("--inverse, and --oldest or --newest, exclude each other");
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
  bool oldest = false;
  bool newest = false;
  add_classic_options(line, wanted, open);
  add_ladder_options(line, wanted, open);
  add_conditions(line, wanted);
  add_further_options(line, wanted, open, oldest, newest);
  const auto operands =
      line.parse(argc, argv, {.stop_at_operand = false, .meaning_of = &meaning_of});
  if (!operands) return false;
  if (open.list_presets) {
    print_presets();
    return false;
  }
  open.ladder_given = open.ladder != nullptr || !wanted.options.steps.empty();
  resolve_conditions(wanted, oldest, newest);
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
