#include <sigkit/error.hpp>

#include "failure.hpp"

namespace sigkit {

namespace detail {

namespace {
thrower current_thrower = &throw_error;
}

void set_thrower(thrower function) noexcept { current_thrower = function; }

} // namespace detail

void fail(int error_number, const std::string& operation) {
  detail::current_thrower(error_number, operation.c_str());
  __builtin_unreachable();
}

} // namespace sigkit
