#pragma once

#include "siglist/request.hpp"

namespace sigkit::apps {

/// The table of all signals, or what each SPEC stands for.
int list_signals(const list_request& wanted);

/// --describe.
int describe_signals(const list_request& wanted);

/// --status.
int decode_statuses(const list_request& wanted);

} // namespace sigkit::apps
