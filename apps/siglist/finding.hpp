#pragma once

#include "siglist/request.hpp"

namespace sigkit::apps {

/// --find.
int find_processes(const list_request& wanted);

} // namespace sigkit::apps
