#pragma once

#include <sigkit/selection.hpp>

#include "common/command_line.hpp"

namespace sigkit::apps {

struct picked_ends {
  bool oldest = false;
  bool newest = false;
};

/// The options that say which processes are meant.
void add_conditions(command_line& line, process_conditions& conditions, picked_ends& ends);

/// After they were read: whether there is any. Throws usage_error where they exclude each other.
bool resolve_conditions(process_conditions& conditions, picked_ends ends);

} // namespace sigkit::apps
