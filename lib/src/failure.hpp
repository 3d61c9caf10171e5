#pragma once

#include <string>

namespace sigkit {

/// Throws sigkit::error through the thrower of the program (see error.hpp).
[[noreturn]] void fail(int error_number, const std::string& operation);

} // namespace sigkit
