#pragma once

#include <optional>
#include <string>

#include <sigkit/export.hpp>
#include <sigkit/signal_id.hpp>

namespace sigkit {

/// How a process ended. "Exited with 9" and "killed by 9" are different values.
///
/// Thread-safe as any value; async-signal-safe but for to_string().
class exit_status {
public:
  /// Ended by itself, with `code` in 0..255.
  static constexpr exit_status exited(int code) noexcept { return {kind::exited, code, false}; }
  /// Ended by `signal`; `core` where the system says that it dumped core.
  static constexpr exit_status killed(signal_id signal, bool core = false) noexcept {
    return {kind::killed, signal.number(), core};
  }

  /// What waitpid(2) stores. Nothing where it speaks of a process that has not ended.
  SIGKIT_API static std::optional<exit_status> from_wait_status(int wait_status) noexcept;

  /// si_code and si_status of waitid(2) or of a SIGCHLD; nothing where the process has not ended.
  SIGKIT_API static std::optional<exit_status> from_child_code(int code, int status) noexcept;

  /// What `$?` of a shell says, 0..255: 129 to 192 is taken for a signal's, although a command may
  /// exit with such a number too. The inverse of shell_status().
  static constexpr exit_status from_shell_status(int status) noexcept {
    if (status > 128 && status - 128 <= signal_id::highest) return killed(signal_id(status - 128));
    return exited(status);
  }

  /// Where it ended by itself.
  [[nodiscard]] constexpr std::optional<int> exit_code() const noexcept {
    if (kind_ != kind::exited) return std::nullopt;
    return value_;
  }
  /// Where a signal ended it.
  [[nodiscard]] constexpr std::optional<signal_id> signal() const noexcept {
    if (kind_ != kind::killed) return std::nullopt;
    return signal_id(value_);
  }
  /// Where that dumped core, as far as the system says.
  [[nodiscard]] constexpr bool dumped_core() const noexcept { return core_; }

  /// The one number a shell makes of it: the exit code, or 128 + the signal.
  [[nodiscard]] constexpr int shell_status() const noexcept {
    return kind_ == kind::exited ? value_ : 128 + value_;
  }

  bool operator==(const exit_status&) const = default;

private:
  enum class kind : unsigned char { exited, killed };
  constexpr exit_status(kind how, int value, bool core) noexcept
      : kind_(how), core_(core), value_(value) {}

  kind kind_;
  bool core_;
  int value_;
};

/// For a person: "exited 3", "killed by SIGSEGV (core dumped)". Allocates.
/// Thread-safe: yes. Async-signal-safe: no.
SIGKIT_API std::string to_string(exit_status status);

} // namespace sigkit
