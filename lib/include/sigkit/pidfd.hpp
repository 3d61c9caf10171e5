#pragma once

#include <sys/types.h>

#include <optional>

#include <sigkit/duration.hpp>
#include <sigkit/error.hpp>
#include <sigkit/export.hpp>
#include <sigkit/signal_id.hpp>
#include <sigkit/unique_fd.hpp>
#include <sigkit/wait.hpp>

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
SIGKIT_API std::optional<pidfd> pidfd_open_thread(failure& why, pid_t thread) noexcept;
SIGKIT_API delivery pidfd_send(failure& why, const pidfd& whom, signal_id signal) noexcept;
SIGKIT_API delivery pidfd_queue(failure& why, const pidfd& whom, signal_id signal,
                                int value) noexcept;
SIGKIT_API delivery pidfd_send_group(failure& why, const pidfd& whom, signal_id signal) noexcept;
SIGKIT_API delivery pidfd_send_thread(failure& why, const pidfd& whom, pid_t thread,
                                      signal_id signal) noexcept;
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

  /// Holds one thread, by its ID as gettid(2) gives it (pidfd_open(2) with PIDFD_THREAD): send()
  /// and queue() are for that thread then. Needs Linux 6.9. Errors as open() (ENOSYS before).
  static std::optional<pidfd> open_thread(pid_t thread);

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

  /// The same with a value, as sigkit::queue() (pidfd_send_signal(2) with a siginfo_t).
  delivery queue(signal_id signal, int value) const {
    return detail::call(detail::pidfd_queue, *this, signal, value);
  }

  /// Sends `signal` to the process group whose ID is this process's PID, if there is one: the
  /// process has led it, and may have ended since (PIDFD_SIGNAL_PROCESS_GROUP). Needs Linux 6.9;
  /// ENOSYS before. Else as sigkit::send_group().
  delivery send_group(signal_id signal) const {
    return detail::call(detail::pidfd_send_group, *this, signal);
  }

  /// Sends `signal` to one thread of this process (tgkill(2)), and to no thread of another one: the
  /// thread is looked up in the process while that is held. Before Linux 6.9 a PID that is recycled
  /// just then, together with the thread's, can be hit. Else as sigkit::send_thread().
  delivery send_thread(pid_t thread, signal_id signal) const {
    return detail::call(detail::pidfd_send_thread, *this, thread, signal);
  }

  /// Waits until the process has ended, reaped or not (poll(2)), for `timeout` at most; false
  /// where it has not. 0 only looks, `never` waits for ever. Handlers are called meanwhile.
  /// Throws what they throw, and sigkit::error (EINVAL: negative). Async-signal-safe: no.
  [[nodiscard]] bool wait(duration timeout) const {
    const auto until = detail::call(detail::deadline_of, "pidfd::wait", timeout);
    return detail::wait_until_readable(descriptor(), until);
  }

private:
  pid_t pid_;
  unique_fd descriptor_;
};

inline std::optional<pidfd> pidfd::open(pid_t pid) {
  return detail::call(detail::pidfd_open, pid);
}

inline std::optional<pidfd> pidfd::open_thread(pid_t thread) {
  return detail::call(detail::pidfd_open_thread, thread);
}

} // namespace sigkit
