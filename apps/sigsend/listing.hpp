#pragma once

#include "sigsend/request.hpp"

namespace sigkit::apps {

/// What -l, -t, -L and -d print. Returns the exit status: 1 where something is unknown, and the
/// rest was printed.
int run_listing(const send_request& wanted);

} // namespace sigkit::apps
