#pragma once

#include <cerrno>
#include <concepts>

#include <sigkit/pidfd.hpp>

#include "failure.hpp"

namespace sigkit {

/// Sorts what a sending call returned (0 or errno): throws where it is none of `delivery`, with
/// what `describe` says was tried.
template <std::invocable F> delivery to_delivery(int failure, F describe) {
  switch (failure) {
  case 0: return delivery::sent;
  case ESRCH: return delivery::gone;
  case EPERM: return delivery::not_permitted;
  default: fail(failure, describe());
  }
}

} // namespace sigkit
