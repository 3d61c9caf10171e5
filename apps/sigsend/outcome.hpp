#pragma once

#include <chrono>
#include <map>
#include <string>

#include <sigkit/escalation.hpp>

#include "sigsend/request.hpp"
#include "sigsend/targets.hpp"

namespace sigkit::apps {

/// Of all that are known so far, by PID: when they have ended nothing can be read any more.
std::map<pid_t, process_description> describe_all(const escalation& known);

/// How it went.
struct send_outcome {
  const send_request& wanted;
  const found_targets& targets;
  const escalation& done;
  std::map<pid_t, process_description> before;   ///< as they were before the first signal
  std::chrono::system_clock::time_point started; ///< when the first signal was sent
  bool waited_out = false;                       ///< not all have ended in time
};

/// Says on stderr who was not signalled, although that was meant, and returns the exit status.
int complain_and_status(const send_outcome& how);

/// A row for each, for a person; empty where there is none.
std::string table_text(const send_outcome& how, int descriptor);

/// The same for a program.
std::string json_text(const send_outcome& how, int status);

} // namespace sigkit::apps
