#pragma once

#include "sigtrap/request.hpp"

namespace sigkit::apps {

/// Waits for signals, and prints what came with each. Returns the status.
int wait_for_signals(const trap_request& wanted);

} // namespace sigkit::apps
