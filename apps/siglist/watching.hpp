#pragma once

#include <chrono>

#include "siglist/processes.hpp"
#include "siglist/request.hpp"
#include "siglist/rows.hpp"

namespace sigkit::apps {

/// Something that a process, or one of its threads, does since the last look.
struct watched_change {
  std::chrono::system_clock::time_point time;
  const process_signals& process;
  pid_t thread; ///< 0: the process
  const std::string& name;
  const char* event;     ///< "signal", "stopped", "continued" or "ended"
  const signal_row* row; ///< of a signal, with which it does something else than before
};

/// --pid with --watch: until the processes have ended. On a terminal they are drawn in place; else
/// there is a line for each change.
int watch_processes(const list_request& wanted);

} // namespace sigkit::apps
