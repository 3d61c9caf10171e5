#pragma once

#include <sys/types.h>

#include <string>

#include "sigtrap/request.hpp"

namespace sigkit::apps {

/// What the options change of what COMMAND would inherit: a line for each signal.
std::string changes_text(const supervise_options& options);

/// Sets dispositions, mask and the parent death signal of this process, and executes the command.
/// `parent` is the parent that it is about. Returns the status where that fails.
int become_command(const trap_request& wanted, pid_t parent);

} // namespace sigkit::apps
