#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sigkit/ladder.hpp>
#include <sigkit/process.hpp>
#include <sigkit/signal_id.hpp>

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

/// The names of what is still there although KILL was sent, for the message.
std::string survivors_text(const std::vector<process_facts>& survivors);

/// Who is reached, before the command's name in a message: "command ", "the tree of command ".
std::string whom(scope reach);

} // namespace sigkit::apps
