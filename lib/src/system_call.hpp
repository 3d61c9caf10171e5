#pragma once

#include <string>
#include <string_view>

namespace sigkit {

/// "read"; the number in digits where the headers of this build know no such system call.
std::string system_call_name(long number);

/// Whether a call may wait for the descriptor that is its first argument.
bool waits_for_descriptor(std::string_view system_call) noexcept;

} // namespace sigkit
