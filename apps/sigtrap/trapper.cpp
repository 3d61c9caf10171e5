#include "sigtrap/trapper.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <exception>
#include <utility>
#include <vector>

#include <sigkit/mask.hpp>
#include <sigkit/spawn.hpp>
#include <sigkit/unique_fd.hpp>

#include "common/ending.hpp"
#include "common/message.hpp"
#include "common/shell.hpp"

namespace sigkit::apps {

namespace {

/// A reader that has stopped does not hold up the end for longer.
constexpr duration patience_at_end = std::chrono::seconds(5);

std::string name_of(const trap_occasion& why) {
  switch (why.why) {
  case trap_occasion::kind::error: return "ERR";
  case trap_occasion::kind::exit: return "EXIT";
  case trap_occasion::kind::signal: break;
  }
  return why.info.signal.name();
}

/// What a shell's action is told.
std::vector<std::string> variables_of(const trap_occasion& why) {
  std::vector<std::string> variables{"SIGTRAP_SIGNAL=" + name_of(why),
                                     "SIGTRAP_COMMAND_PID=" + std::to_string(why.command)};
  if (why.status) variables.push_back("SIGTRAP_STATUS=" + std::to_string(*why.status));
  if (why.why != trap_occasion::kind::signal) return variables;
  variables.push_back("SIGTRAP_SENDER_PID=" + std::to_string(why.info.pid));
  variables.push_back("SIGTRAP_SENDER_UID=" + std::to_string(why.info.uid));
  if (why.info.code == SI_QUEUE)
    variables.push_back("SIGTRAP_VALUE=" + std::to_string(why.info.value));
  return variables;
}

} // namespace

trapper::trapper(const trap_request& wanted)
    : wanted_(wanted), command_(in_quotes(wanted.command[0])),
      mask_(pthread_sigmask(mask_change::block, {})) {}

void trapper::say(std::string_view text) noexcept {
  err_.write(std::string(program_name()).append(": ").append(text).append("\n"));
}

void trapper::say_if_verbose(std::string_view text) noexcept {
  if (wanted_.verbose) say(text);
}

void trapper::finish() noexcept {
  err_.finish(patience_at_end);
}

void trapper::sending(signal_id signal, scope reach) noexcept {
  say_if_verbose("sending signal " + signal.name() + " to " + whom(reach) + command_);
}

void trapper::received(const signal_info& info) noexcept {
  if (!wanted_.verbose) return;
  std::string text = "received signal " + info.signal.name() + " from " +
                     sender_text(info.code, info.pid, info.uid);
  if (info.code == SI_QUEUE) text += ", value " + std::to_string(info.value);
  say(text);
}

void trapper::not_forwarded(const signal_info& info, bool has_it) noexcept {
  say_if_verbose("signal " + info.signal.name() +
                 (has_it ? " is not forwarded: command " + command_ + " has it" : " is dropped"));
}

std::optional<pidfd> trapper::run_action(const trap_occasion& why) noexcept {
  say_if_verbose("running the action for " + name_of(why) + ": " +
                 in_quotes(wanted_.texts[why.trap]));
  try {
    return start(why);
  } catch (const std::exception& failed) {
    say("the action for " + name_of(why) + ": " + failed.what());
  }
  return std::nullopt;
}

pidfd trapper::start(const trap_occasion& why) const {
  spawn_options how;
  how.mask = mask_;
  how.parent_death = sigterm;
  // In a group of its own, and in the background: it would be stopped by what it reads from the
  // terminal, or by setting its modes.
  how.ignore = {sigttin, sigttou};
  // What comes from stdin is for the command, as long as it runs.
  unique_fd nothing;
  if (!why.status) nothing.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (nothing.has_value()) how.descriptors = {{nothing.get(), STDIN_FILENO}};
  return start_shell(wanted_.texts[why.trap], "SIGTRAP_", variables_of(why), std::move(how));
}

void trapper::action_ended(const trap_occasion& why, exit_status how) noexcept {
  say_if_verbose("the action for " + name_of(why) + ": " + to_string(how));
}

void trapper::action_killed(const trap_occasion& why) noexcept {
  const bool at_end = why.why != trap_occasion::kind::signal;
  say("the action for " + name_of(why) + " still ran after " +
      to_string(wanted_.options.action_limit) + (at_end ? "" : " from the end") + ": killed");
}

void trapper::not_sent(signal_id signal, int error) noexcept {
  say(not_sent_text(signal, command_, error));
}

void trapper::actions_given_up(std::size_t waiting) noexcept {
  say("signals whose actions were still to come are given up: " + std::to_string(waiting));
}

void trapper::command_ended(exit_status how) noexcept {
  say_if_verbose("command " + command_ + ": " + to_string(how));
}

} // namespace sigkit::apps
