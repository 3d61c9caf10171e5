#pragma once

#include <map>
#include <string>
#include <vector>

#include <sigkit/escalation.hpp>

#include "sigsend/description.hpp"
#include "sigsend/request.hpp"

namespace sigkit::apps {

/// A target that nothing is sent to, and why.
struct unreached {
  std::string word;
  std::string why;
  bool gone = false; ///< it has ended; else it was left out
  pid_t pid = 0;     ///< 0: not known
  process_description about = {};
};

/// What the TARGETs and conditions stand for.
struct found_targets {
  std::map<pid_t, std::string> words; ///< of those that were named by PID
  std::vector<unreached> not_reached;
  bool reaches_self = false; ///< a group that this process is in
};

/// Raises the limit of open files to its hard value where there may be thousands of targets, each
/// of which is held by a descriptor.
void make_room_for(const send_request& wanted);

/// Finds out who is meant and adds them to `into`; says who cannot be found.
found_targets add_targets(const send_request& wanted, escalation& into);

} // namespace sigkit::apps
