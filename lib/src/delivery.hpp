#pragma once

#include <sys/types.h>

#include <sigkit/pidfd.hpp>

namespace sigkit {

/// Sorts what a sending call returned (0 or errno): throws where it is none of `delivery`.
/// `pid` is as kill(2) takes it: negative for a group.
delivery to_delivery(int failure, const char* call, signal_id signal, pid_t pid);

} // namespace sigkit
