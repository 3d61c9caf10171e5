#pragma once

#include <unistd.h>

#include <utility>

namespace sigkit {

/// Owns one file descriptor and closes it (close(2), never retried) when it is destroyed.
///
/// Empty is -1. Moves, never copies; there is no implicit conversion, neither to int nor to bool.
/// Thread-safe: distinct objects. Async-signal-safe: get(), has_value(), release() and reset().
class unique_fd {
public:
  unique_fd() noexcept = default;
  explicit unique_fd(int descriptor) noexcept : descriptor_(descriptor) {}
  unique_fd(unique_fd&& other) noexcept : descriptor_(other.release()) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  unique_fd(const unique_fd&) = delete;
  unique_fd& operator=(const unique_fd&) = delete;
  ~unique_fd() { reset(); }

  /// The descriptor, still owned here; -1 when there is none.
  [[nodiscard]] int get() const noexcept { return descriptor_; }
  [[nodiscard]] bool has_value() const noexcept { return descriptor_ >= 0; }

  /// Gives the descriptor away: the caller closes it.
  [[nodiscard]] int release() noexcept { return std::exchange(descriptor_, -1); }

  /// Closes what is held, if anything, and takes `descriptor` instead.
  void reset(int descriptor = -1) noexcept {
    const int old = std::exchange(descriptor_, descriptor);
    if (old >= 0) ::close(old);
  }

private:
  int descriptor_ = -1;
};

} // namespace sigkit
