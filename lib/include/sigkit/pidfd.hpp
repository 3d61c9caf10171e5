#pragma once

#include <sys/types.h>

#include <optional>

#include <sigkit/duration.hpp>
#include <sigkit/error.hpp>
#include <sigkit/export.hpp>
#include <sigkit/signal_id.hpp>
#include <sigkit/unique_fd.hpp>

namespace sigkit {

/// What became of a signal that was sent to one process.
enum class delivery : unsigned char {
  sent,         ///< the kernel took it
  gone,         ///< the process has ended and was reaped
  not_permitted ///< it belongs to another user
};

class pidfd;

namespace detail {
SIGKIT_API std::optional<pidfd> pidfd_open(failure& why, pid_t pid) noexcept;
SIGKIT_API delivery pidfd_send(failure& why, const pidfd& whom, signal_id signal) noexcept;
SIGKIT_API bool pidfd_wait(failure& why, const pidfd& whom, duration timeout) noexcept;
} // namespace detail

/// One process, held: whatever happens to its PID, a pidfd never comes to mean another one.
///
/// Needs Linux 5.3. Thread-safe: distinct objects; one object for const functions.
class pidfd {
public:
  /// Holds the process that has `pid` now (pidfd_open(2)); nothing where there is none.
  /// The caller makes sure that it still is the one that is meant, by looking again afterwards,
  /// or because it is a child that has not been reaped.
  /// Throws sigkit::error (EMFILE, ENFILE, ENOMEM; ENOSYS before Linux 5.3; EINVAL for a PID
  /// below 1, or one of a thread that leads no process). Async-signal-safe: no (may throw).
  static std::optional<pidfd> open(pid_t pid);

  /// Takes over a descriptor that clone(2) gave for `pid`.
  pidfd(pid_t pid, unique_fd descriptor) noexcept : pid_(pid), descriptor_(std::move(descriptor)) {}

  /// The process's PID, which may be another's once it was reaped.
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

  /// For poll(2): readable once the process has ended.
  [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }

  /// Sends `signal` to this process and no other (pidfd_send_signal(2)); 0 only checks.
  /// Throws sigkit::error for anything but what `delivery` names (EINVAL: no such signal;
  /// EAGAIN: too many queued). Async-signal-safe: no (may throw).
  delivery send(signal_id signal) const { return detail::call(detail::pidfd_send, *this, signal); }

  /// Waits until the process has ended, reaped or not (poll(2)), for `timeout` at most; false
  /// where it has not. 0 only looks, `never` waits for ever. Async-signal-safe: no.
  [[nodiscard]] bool wait(duration timeout) const {
    return detail::call(detail::pidfd_wait, *this, timeout);
  }

private:
  pid_t pid_;
  unique_fd descriptor_;
};

inline std::optional<pidfd> pidfd::open(pid_t pid) {
  return detail::call(detail::pidfd_open, pid);
}

} // namespace sigkit
