#include "own_wake.hpp"

#include <sys/eventfd.h>

#include <cerrno>

#include <sigkit/handler.hpp>

#include "failure.hpp"
#include "notes.hpp"

namespace sigkit {

own_wake::own_wake() {
  if (!notes::in_use() || !in_main_thread()) return;
  descriptor_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!descriptor_.has_value()) fail(errno, "eventfd(2)");
  notes::set_own_descriptor(descriptor_.get());
}

own_wake::~own_wake() {
  if (!descriptor_.has_value()) return;
  notes::set_own_descriptor(-1);
  notes::settle(); // another thread may be about to write to it
}

std::chrono::steady_clock::time_point
own_wake::limit(std::chrono::steady_clock::time_point until) const noexcept {
  return is_active() && notes::any() ? std::chrono::steady_clock::time_point{} : until;
}

} // namespace sigkit
