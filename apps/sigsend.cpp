#include <sys/types.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include <sigkit/pidfd.hpp>
#include <sigkit/send.hpp>

#include "common/command_line.hpp"
#include "common/message.hpp"
#include "common/options.hpp"
#include "common/program.hpp"

namespace sigkit::apps {

namespace {

constexpr const char* usage = "[-s SIG | -SIG | -n NUM] [OPTION]... TARGET...";

constexpr const char* description = "Send a signal to processes: TERM where none is given.";

constexpr const char* footer =
    "TARGET is a PID; -PGID, a process group; 0, the caller's own group; or -1,\n"
    "every process. The first word -N or -NAME is the signal, unless -s or -n gave\n"
    "it; after that, after the first TARGET and after --, -N is a process group.\n"
    "\n"
    "Exit status: 0 all were signalled, 64 some were, 1 none or wrong usage.\n"
    "\n"
    "Examples:\n"
    "  sigsend -HUP 4711\n"
    "  sigsend -s TERM -- -4711";

struct target {
  std::string word;
  pid_t pid;                 ///< as kill(2) takes it
  std::optional<pidfd> held; ///< a single process, where there is one
  bool failed = false;       ///< it could not be opened, which has been said
};

struct request {
  std::vector<signal_id> signals;
  bool verbose = false;
  std::vector<target> targets;
};

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// The first -N or -NAME is the signal; then -N is a process group. A name in lower case is a
/// cluster of options.
word_meaning meaning_of(std::string_view word, const normal_words& before) {
  const std::string_view text = word.substr(1);
  bool has_signal = !before.operands.empty(); // after a target, -N is a group
  for (const std::string& option : before.options)
    has_signal = has_signal || option.starts_with("--signal=") || option.starts_with("-n");
  const bool name = text.front() >= 'A' && text.front() <= 'Z';
  if (is_number(text) && has_signal) return {.is_operand = true, .option = {}};
  if (is_number(text) || name)
    return {.is_operand = false, .option = "--signal=" + std::string(text)};
  return {};
}

signal_id to_signal_number(std::string_view text) {
  if (!is_number(text)) throw usage_error(quoted(text) + ": invalid signal number");
  return to_signal(text);
}

target to_target(const char* word) {
  const std::string_view text = word;
  const bool group = text.starts_with('-');
  const std::string_view digits = text.substr(group ? 1 : 0);
  errno = 0;
  const long number = is_number(digits) ? std::strtol(text.data(), nullptr, 10) : 0;
  const auto pid = static_cast<pid_t>(number);
  if (!is_number(digits) || errno != 0 || pid != number || number == INT_MIN)
    throw usage_error(quoted(text) + ": invalid process id");
  return {std::string(text), pid, std::nullopt, false};
}

bool parse(int argc, char** argv, request& wanted) {
  command_line line(usage, description, footer);
  line.group("Options as kill(1) has them", true);
  line.repeated(
      "-s,--signal", "SIG",
      [&](std::string_view text) { wanted.signals.push_back(to_signal(text)); },
      "the signal, by name or number");
  line.repeated(
      "-n", "NUM", [&](std::string_view text) { wanted.signals.push_back(to_signal_number(text)); },
      "the signal, by number");
  line.flag("-v,--verbose", wanted.verbose, "say what was sent to whom");
  const auto operands =
      line.parse(argc, argv, {.stop_at_operand = false, .meaning_of = &meaning_of});
  if (!operands) return false;
  if (wanted.signals.size() > 1) throw usage_error("more than one signal");
  if (operands->empty()) throw usage_error("no process ID specified");
  for (const char* word : *operands)
    wanted.targets.push_back(to_target(word));
  return true;
}

/// A group goes by kill(2), in one call; a single process by what was opened before the first
/// signal was sent.
delivery send_to(const target& whom, signal_id signal) {
  if (whom.pid == -1) return send_all(signal);
  if (whom.pid <= 0) return send_group(-whom.pid, signal);
  return whom.held ? whom.held->send(signal) : delivery::gone;
}

int send_all_targets(request& wanted) {
  const signal_id signal = wanted.signals.empty() ? sigterm : wanted.signals.front();
  std::size_t done = 0;
  for (target& whom : wanted.targets) {
    try {
      if (whom.pid > 0) whom.held = pidfd::open(whom.pid);
    } catch (const error& failed) { // a thread, say: the others are signalled all the same
      complain(failed.what());
      whom.failed = true;
    }
  }
  for (const target& whom : wanted.targets) {
    if (whom.failed) continue;
    const delivery outcome = send_to(whom, signal);
    if (outcome == delivery::sent) {
      ++done;
      if (wanted.verbose) complain("sent signal " + signal.name() + " to " + whom.word);
    } else {
      complain(whom.word + ": " + std::strerror(outcome == delivery::gone ? ESRCH : EPERM));
    }
  }
  if (done == wanted.targets.size()) return success;
  return done == 0 ? failure : some_done;
}

} // namespace
} // namespace sigkit::apps

int sigkit_run_sigsend(int argc, char** argv) {
  using namespace sigkit::apps;
  return run_program(argv, {.usage = failure, .other = failure}, [&] {
    request wanted;
    if (!parse(argc, argv, wanted)) return static_cast<int>(success);
    return send_all_targets(wanted);
  });
}
