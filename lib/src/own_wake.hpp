#pragma once

#include <poll.h>

#include <chrono>

#include <sigkit/unique_fd.hpp>

namespace sigkit {

/// While it lives, a signal that is noted in any thread makes its descriptor readable. One at a
/// time, in the main thread; elsewhere, and where no handler was ever installed, it does nothing.
class own_wake {
public:
  own_wake();
  own_wake(const own_wake&) = delete;
  own_wake& operator=(const own_wake&) = delete;
  ~own_wake();

  /// Whether handlers are called in this thread.
  [[nodiscard]] bool is_active() const noexcept { return descriptor_.has_value(); }

  /// How long to wait for it or something else: not at all where something was noted before it
  /// began to live. What else there is must be looked at all the same, since handlers may be due
  /// for ever.
  [[nodiscard]] std::chrono::steady_clock::time_point
  limit(std::chrono::steady_clock::time_point until) const noexcept;

  /// For poll(2), which passes over it where it does nothing.
  [[nodiscard]] pollfd source() const noexcept { return {descriptor_.get(), POLLIN, 0}; }

private:
  unique_fd descriptor_;
};

} // namespace sigkit
