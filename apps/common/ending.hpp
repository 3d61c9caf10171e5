#pragma once

#include <optional>
#include <string>

#include <sigkit/ladder.hpp>
#include <sigkit/signal_id.hpp>
#include <sigkit/supervise.hpp>

// What sigtimeout and sigtrap have in common around the command that they run.
namespace sigkit::apps {

/// What a program returns, and the signal that it ends by, where it does.
struct ending {
  int status = 0;
  std::optional<signal_id> signal;
};

/// Ends this process, as the command was ended, but with no core dump of our own. As PID 1, which
/// no signal ends, with the status.
[[noreturn]] void end_as(const ending& how);

/// A run that has no status of the command's, and what is to be said of it.
struct failed_run {
  int status;
  std::string why;
};

/// The command could not be run, or has not ended, or what it started has not; nothing else.
std::optional<failed_run> failed_run_of(const supervise_result& result, const char* command);

/// That `command`, in quotes, did not get a signal, and why.
std::string not_sent_text(signal_id signal, const std::string& command, int error);

/// Who is reached, before the command's name in a message: "command ", "the tree of command ".
std::string whom(scope reach);

} // namespace sigkit::apps
