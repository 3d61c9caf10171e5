#include "siglist/request.hpp"

#include <algorithm>

#include "common/command_line.hpp"
#include "common/message.hpp"
#include "common/options.hpp"

namespace sigkit::apps {

namespace {

using action = list_request::action;
using format = list_request::format;

constexpr const char* usage = "[OPTION]... [SPEC | N | PID]...";

constexpr const char* description =
    "List the signals, translate between their names, numbers and exit statuses, and\n"
    "show what processes do with each signal.";

constexpr const char* footer =
    "SPEC is a name (its number is printed), a number or an exit status from 128 up\n"
    "(the name is printed), or a mask such as 0x4002 (the names in it, one a line).\n"
    "SIGS is a comma list of signals, or all. Of the signals in it one must be caught\n"
    "(ignored, ...); an option that is repeated must hold each time.\n"
    "\n"
    "Exit status: 0, 1 where something does not exist or may not be read (the rest\n"
    "is printed), 2 for wrong usage.\n"
    "\n"
    "Examples:\n"
    "  siglist TERM 137\n"
    "  siglist -p $$";

/// What stands for more than one value of the request.
struct unresolved {
  std::vector<action> actions;
  std::vector<std::string> pids;
  std::vector<format> forms;
  bool has_conditions = false;
};

duration to_interval(std::string_view text) {
  const duration length = to_duration(text, "--watch");
  if (length == duration::zero())
    throw usage_error("--watch: the time between two looks is more than 0");
  return length;
}

void add_modes(command_line& line, list_request& wanted, unresolved& open) {
  const auto choose = [&open](action what) {
    return [&open, what] { open.actions.push_back(what); };
  };
  line.group("What is listed");
  line.call("--describe", choose(action::describe), "the row of the table for each SPEC");
  line.call(
      "--status", choose(action::decode_status),
      "what exit statuses say: N is 0 to 255, as a shell's\n$?, or a raw wait status as 0x8b");
  line.flag("--raw", wanted.raw, "--status: N is a raw wait status, in decimal too");
  line.repeated(
      "-p,--pid", "PID",
      [&](std::string_view text) {
        open.actions.push_back(action::show_processes);
        open.pids.emplace_back(text);
      },
      "what these processes do with signals: the unusual");
  line.call("--find", choose(action::find), "the processes for which all conditions hold");
  line.call("--inherited", choose(action::show_inherited),
            "what siglist itself was started with, as any other\ncommand here is");
}

void add_process_options(command_line& line, list_request& wanted) {
  line.group("With --pid");
  line.flag("--every", wanted.every, "all 64 signals; with --inherited too");
  line.flag("--threads", wanted.threads, "a section for each thread");
  line.optional(
      "--watch", "DUR", "200ms", [&](std::string_view text) { wanted.watch = to_interval(text); },
      "again at every change, until they end; looks\nevery DUR");
}

void add_conditions(command_line& line, signal_conditions& wanted, unresolved& open) {
  const auto take_set = [&open](std::vector<signal_set>& sets) {
    return [&open, &sets](std::string_view text) {
      open.has_conditions = true;
      sets.push_back(to_signal_set(text));
    };
  };
  line.group("With --find");
  line.repeated("--catching", "SIGS", take_set(wanted.catching), "it catches one of these");
  line.repeated("--ignoring", "SIGS", take_set(wanted.ignoring), "it ignores one of these");
  line.repeated("--blocking", "SIGS", take_set(wanted.blocking),
                "it, or a thread of it, blocks one of these");
  line.repeated("--pending", "SIGS", take_set(wanted.pending),
                "one of these is pending, to it or to a thread");
  line.repeated(
      "--user", "U",
      [&](std::string_view text) {
        open.has_conditions = true;
        for (const std::string& user : words_of_list(text, "--user"))
          wanted.users.push_back(to_user(user));
      },
      "it is of this effective user, or of these");
  line.repeated(
      "--name", "REGEX",
      [&](std::string_view text) {
        open.has_conditions = true;
        wanted.names.push_back(to_pattern(text, "--name"));
      },
      "this matches in its name");
}

void add_forms(command_line& line, list_request& wanted, unresolved& open) {
  line.group("How it is printed");
  line.call(
      "--plain", [&] { open.forms.push_back(format::plain); },
      "separated by tabs, without a header, for scripts");
  line.call(
      "--json", [&] { open.forms.push_back(format::json); }, "JSON, for programs");
  line.option(
      "--color", "WHEN", [&](std::string_view text) { wanted.colors = to_color_choice(text); },
      "color tables: auto, always or never");
}

bool all_the_same(const auto& list) {
  return std::ranges::all_of(list, [&](const auto& one) { return one == list.front(); });
}

void resolve(list_request& wanted, const unresolved& open) {
  if (!all_the_same(open.actions))
    throw usage_error("more than one of --describe, --status, --pid, --find, --inherited");
  if (!open.actions.empty()) wanted.what = open.actions.front();
  if (!all_the_same(open.forms)) throw usage_error("--plain and --json exclude each other");
  if (!open.forms.empty()) wanted.form = open.forms.front();
}

void check(const list_request& wanted, const unresolved& open) {
  const auto is = [&](action what) { return wanted.what == what; };
  if (wanted.raw && !is(action::decode_status)) throw usage_error("--raw needs --status");
  if (wanted.every && !is(action::show_processes) && !is(action::show_inherited))
    throw usage_error("--every needs --pid or --inherited");
  if (wanted.threads && !is(action::show_processes)) throw usage_error("--threads needs --pid");
  if (wanted.watch && !is(action::show_processes)) throw usage_error("--watch needs --pid");
  if (open.has_conditions && !is(action::find))
    throw usage_error("a condition, as --catching or --name, needs --find");
  if (is(action::describe) && wanted.words.empty()) throw usage_error("--describe: missing SPEC");
  if (is(action::decode_status) && wanted.words.empty()) throw usage_error("--status: missing N");
  if ((is(action::find) || is(action::show_inherited)) && !wanted.words.empty())
    throw usage_error("extra operand " + in_quotes(wanted.words.front()));
}

/// Of --pid and of the operands, each of which may be a list.
std::vector<std::string> all_pids(const std::vector<std::string>& values,
                                  const std::vector<std::string>& operands) {
  std::vector<std::string> pids;
  for (const auto* words : {&values, &operands})
    for (const std::string& list : *words)
      for (const std::string& pid : words_of_list(list, "--pid")) {
        if (!is_number(pid)) throw usage_error(in_quotes(pid) + ": invalid process ID");
        pids.push_back(pid);
      }
  return pids;
}

} // namespace

std::optional<list_request> parse_list_request(int argc, char** argv) {
  command_line line(usage, description, footer);
  list_request wanted;
  unresolved open;
  add_modes(line, wanted, open);
  add_process_options(line, wanted);
  add_conditions(line, wanted.conditions, open);
  add_forms(line, wanted, open);
  const auto operands = line.parse(argc, argv, {});
  if (!operands) return std::nullopt;
  resolve(wanted, open);
  wanted.words.assign(operands->begin(), operands->end());
  check(wanted, open);
  if (wanted.what == action::show_processes) wanted.words = all_pids(open.pids, wanted.words);
  return wanted;
}

} // namespace sigkit::apps
