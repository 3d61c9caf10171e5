#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace sigkit::apps {

/// What there is to say of a process, for a person and for a program.
struct process_description {
  std::string name = "?";
  std::string user = "?";
  std::string age = "?";
  std::string command = "[?]"; ///< fit to be shown
};

/// Of the process, or thread, that has this ID now; where `start_time` is not 0, only if it started
/// then. What cannot be read stays unknown.
process_description describe(pid_t id, std::uint64_t start_time);

} // namespace sigkit::apps
