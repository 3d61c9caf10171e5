#pragma once

#include <sys/signalfd.h>
#include <sys/types.h>

#include <csignal>
#include <string>

#include <sigkit/export.hpp>
#include <sigkit/signal_id.hpp>

namespace sigkit {

/// What came with a signal (siginfo_t), as a plain value.
///
/// Which fields mean something depends on `code` (sigaction(2)); the others are 0. A sender that
/// used sigqueue(3) or rt_sigqueueinfo(2) can write what it likes into pid and uid.
struct signal_info {
  signal_id signal{0};
  int code = 0;         ///< SI_USER, SI_QUEUE, SI_KERNEL, CLD_EXITED, …; see code_name()
  int error_number = 0; ///< si_errno
  pid_t pid = 0;        ///< the sender; 0 for the kernel, and from outside the PID namespace
  uid_t uid = 0;        ///< the sender's real user
  int status = 0;       ///< SIGCHLD: exit code or signal
  long band = 0;        ///< SIGIO
  int value = 0;        ///< sigqueue(3): sival_int

  /// Thread-safe and async-signal-safe, both.
  SIGKIT_API static signal_info from(const siginfo_t& info) noexcept;
  SIGKIT_API static signal_info from(const signalfd_siginfo& info) noexcept;

  bool operator==(const signal_info&) const = default;
};

/// The name of si_code for this signal: "SI_USER", "CLD_EXITED"; the number where it has none.
/// Thread-safe: yes. Async-signal-safe: no (it allocates).
SIGKIT_API std::string code_name(const signal_info& info);

} // namespace sigkit
