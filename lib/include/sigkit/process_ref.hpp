#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include <sigkit/error.hpp>
#include <sigkit/export.hpp>
#include <sigkit/pidfd.hpp>
#include <sigkit/process.hpp>
#include <sigkit/signal_id.hpp>

namespace sigkit {

/// What tells a process from all others that had its PID or will have it.
struct process_identity {
  pid_t pid = 0;
  std::uint64_t start_time = 0; ///< clock ticks since boot; 0: not known
  std::uint64_t inode = 0;      ///< of its pidfd (pidfs, Linux 6.9 and later); 0: not known
};

namespace detail {
SIGKIT_API std::uint64_t pidfd_inode(failure& why, const pidfd& held) noexcept;
SIGKIT_API std::optional<pidfd> open_identity(failure& why,
                                              const process_identity& identity) noexcept;
SIGKIT_API process_identity identify(failure& why, const pidfd& held) noexcept;
} // namespace detail

/// The number that no other process gets until the next boot: the inode of a pidfd (fstat(2)),
/// which Linux has since 6.9. Throws sigkit::error (ENOSYS before). Thread-safe: yes.
/// Async-signal-safe: no (may throw).
inline std::uint64_t inode_of(const pidfd& held) {
  return detail::call(detail::pidfd_inode, held);
}

/// One process and no other, for longer than descriptors last: a pidfd, or what identifies it, with
/// which it is opened and compared again for each use.
///
/// Thread-safe: distinct objects; one object for const functions.
class process_ref {
public:
  /// The process that has `pid` now; nothing where there is none. Errors and safety as
  /// pidfd::open().
  static std::optional<process_ref> open(pid_t pid) {
    auto held = pidfd::open(pid);
    if (!held) return std::nullopt;
    return process_ref(std::move(*held));
  }

  /// The process of this identity; nothing where it is gone, its PID another's by now included.
  /// An inode needs Linux 6.9 (ENOSYS before), a start time a usable /proc (nothing is found
  /// without); where there is neither, EINVAL. Else as pidfd::open().
  static std::optional<process_ref> open(const process_identity& identity) {
    auto held = detail::call(detail::open_identity, identity);
    if (!held) return std::nullopt;
    process_ref result(std::move(*held));
    result.identity_ = identity;
    return result;
  }

  /// Takes over a pidfd.
  explicit process_ref(pidfd held) noexcept : identity_{held.pid(), 0, 0}, held_(std::move(held)) {}

  /// A process by its identity alone, which has at least a start time or an inode.
  explicit process_ref(const process_identity& identity) noexcept : identity_(identity) {}

  [[nodiscard]] pid_t pid() const noexcept { return identity_.pid; }

  /// The pidfd, or null where the process is known by its identity alone.
  [[nodiscard]] const pidfd* held() const noexcept { return held_ ? &*held_ : nullptr; }

  /// Closes the pidfd: the identity, which is found out first (/proc/PID/stat, fstat(2)), stands
  /// for it from now on. Where neither start time nor inode can be had it stays open. Throws
  /// sigkit::error where no file can be opened. Async-signal-safe: no.
  void release() {
    if (!held_) return;
    if (identity_.start_time == 0 && identity_.inode == 0)
      identity_ = detail::call(detail::identify, *held_);
    if (identity_.start_time != 0 || identity_.inode != 0) held_.reset();
  }

  /// A pidfd for it, its own where it has one; nothing where the process is gone.
  /// Errors and safety as pidfd::open().
  [[nodiscard]] std::optional<pidfd> reopen() const {
    return detail::call(detail::open_identity, identity_);
  }

  /// As the functions of pidfd of these names.
  [[nodiscard]] delivery send(signal_id signal) const {
    return with_pidfd([signal](const pidfd& held) { return held.send(signal); });
  }
  [[nodiscard]] delivery queue(signal_id signal, int value) const {
    return with_pidfd([signal, value](const pidfd& held) { return held.queue(signal, value); });
  }

private:
  template <class Use> delivery with_pidfd(Use use) const {
    if (held_) return use(*held_);
    const auto opened = reopen();
    return opened ? use(*opened) : delivery::gone;
  }

  process_identity identity_;
  std::optional<pidfd> held_;
};

} // namespace sigkit
