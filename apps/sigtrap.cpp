#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include <sigkit/disposition.hpp>
#include <sigkit/mask.hpp>

#include "common/command_line.hpp"
#include "common/message.hpp"
#include "common/options.hpp"
#include "common/program.hpp"

namespace sigkit::apps {

namespace {

constexpr const char* usage = "OPTION... COMMAND [ARG]...";

constexpr const char* description =
    "Set what COMMAND does with signals, and become it (same PID, as env and nohup).";

constexpr const char* footer =
    "SIGS is a comma list of signals, or all: every one that can be changed.\n"
    "\n"
    "Exit status: COMMAND's own, or 125 sigtrap failed, 126 COMMAND cannot be run,\n"
    "127 it is not found.\n"
    "\n"
    "Examples:\n"
    "  sigtrap --ignore HUP ./long-job\n"
    "  sigtrap --default all --unblock all ./server";

struct request {
  signal_set ignore;
  signal_set reset;
  signal_set block;
  signal_set unblock;
  char** command = nullptr;
};

bool parse(int argc, char** argv, request& wanted) {
  command_line line(usage, description, footer);
  const auto adds_to = [](signal_set& set) {
    return [&set](std::string_view text) { set = set | to_signal_set(text); };
  };
  line.group("Options");
  line.repeated("--ignore", "SIGS", adds_to(wanted.ignore), "COMMAND ignores these");
  line.repeated("--default", "SIGS", adds_to(wanted.reset),
                "these have their default action in COMMAND");
  line.repeated("--block", "SIGS", adds_to(wanted.block), "these are blocked when COMMAND starts");
  line.repeated("--unblock", "SIGS", adds_to(wanted.unblock),
                "these are not blocked when COMMAND starts");
  const auto operands = line.parse(argc, argv, {.stop_at_operand = true, .meaning_of = {}});
  if (!operands) return false;
  if ((wanted.ignore | wanted.reset | wanted.block | wanted.unblock).empty())
    throw usage_error("nothing to set: --ignore, --default, --block or --unblock is needed");
  if (const signal_set both = wanted.ignore & wanted.reset; !both.empty())
    throw usage_error("both --ignore and --default: " + to_string(both));
  if (const signal_set both = wanted.block & wanted.unblock; !both.empty())
    throw usage_error("both --block and --unblock: " + to_string(both));
  if (operands->empty()) throw usage_error("missing command");
  wanted.command = argv + argc - static_cast<std::ptrdiff_t>(operands->size());
  return true;
}

int become_command(const request& wanted) {
  for (const signal_id signal : wanted.ignore)
    set_ignored(signal);
  for (const signal_id signal : wanted.reset)
    set_default(signal);
  pthread_sigmask(mask_change::block, wanted.block);
  pthread_sigmask(mask_change::unblock, wanted.unblock);
  ::execvp(wanted.command[0], wanted.command);
  const int failure = errno;
  complain("failed to run command " + quoted(wanted.command[0]) + ": " + std::strerror(failure));
  return failure == ENOENT ? not_found : cannot_run;
}

} // namespace
} // namespace sigkit::apps

int sigkit_run_sigtrap(int argc, char** argv) {
  using namespace sigkit::apps;
  return run_program(argv, {.usage = supervise_failed, .other = supervise_failed}, [&] {
    request wanted;
    return parse(argc, argv, wanted) ? become_command(wanted) : static_cast<int>(success);
  });
}
