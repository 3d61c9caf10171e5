#pragma once

#include <chrono>

#include "siglist/processes.hpp"
#include "siglist/request.hpp"
#include "siglist/rows.hpp"

namespace sigkit::apps {

/// A signal with which a process does something else than before, or the end of a process.
struct watched_change {
  std::chrono::system_clock::time_point time;
  const process_signals& process;
  const signal_section& section;
  const signal_row* row = nullptr; ///< null: it has ended
};

/// --pid with --watch: until the processes have ended. On a terminal they are drawn in place; else
/// there is a line for each change.
int watch_processes(const list_request& wanted);

} // namespace sigkit::apps
