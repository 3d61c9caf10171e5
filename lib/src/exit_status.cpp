#include <sigkit/exit_status.hpp>

#include <sys/wait.h>

namespace sigkit {

std::optional<exit_status> exit_status::from_wait_status(int wait_status) noexcept {
  if (WIFEXITED(wait_status)) return exited(WEXITSTATUS(wait_status));
  if (WIFSIGNALED(wait_status))
    return killed(signal_id(WTERMSIG(wait_status)), WCOREDUMP(wait_status));
  return std::nullopt;
}

std::optional<exit_status> exit_status::from_child_code(int code, int status) noexcept {
  switch (code) {
  case CLD_EXITED: return exited(status & 0xff);
  case CLD_KILLED: return killed(signal_id(status));
  case CLD_DUMPED: return killed(signal_id(status), true);
  default: return std::nullopt;
  }
}

std::string to_string(exit_status status) {
  if (const auto code = status.exit_code()) return "exited " + std::to_string(*code);
  const signal_id signal = *status.signal();
  const std::string name = signal.name();
  const bool named = name.front() < '0' || name.front() > '9';
  return "killed by " + (named ? "SIG" + name : "signal " + name) +
         (status.dumped_core() ? " (core dumped)" : "");
}

} // namespace sigkit
