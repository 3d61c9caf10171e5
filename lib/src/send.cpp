#include <sigkit/send.hpp>

#include <cerrno>
#include <string>

#include "delivery.hpp"
#include "system.hpp"

namespace sigkit {

delivery to_delivery(int failure, const char* call, signal_id signal, pid_t pid) {
  switch (failure) {
  case 0: return delivery::sent;
  case ESRCH: return delivery::gone;
  case EPERM: return delivery::not_permitted;
  default: break;
  }
  const std::string whom = pid > 0    ? " to process " + std::to_string(pid)
                           : pid == 0 ? " to the caller's process group"
                           : pid < -1 ? " to process group " + std::to_string(-pid)
                                      : " to every process";
  fail(failure, call + signal.name() + whom);
}

namespace {

delivery send_checked(pid_t pid, signal_id signal) {
  return to_delivery(sys::kill(pid, signal), "kill(2) of ", signal, pid);
}

} // namespace

delivery detail::send(failure& why, pid_t pid, signal_id signal) noexcept {
  return at_border(why, [&] {
    if (pid <= 0) fail(EINVAL, "kill(2) of PID " + std::to_string(pid));
    return send_checked(pid, signal);
  });
}

delivery detail::send_group(failure& why, pid_t group, signal_id signal) noexcept {
  return at_border(why, [&] {
    if (group < 0 || group == 1) fail(EINVAL, "kill(2) of process group " + std::to_string(group));
    return send_checked(-group, signal);
  });
}

delivery detail::send_all(failure& why, signal_id signal) noexcept {
  return at_border(why, [&] { return send_checked(-1, signal); });
}

} // namespace sigkit
