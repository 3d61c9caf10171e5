#include <sigkit/send.hpp>

#include <pthread.h>
#include <time.h>

#include <cerrno>
#include <string>

#include "delivery.hpp"
#include "system.hpp"

namespace sigkit {

namespace {

/// `pid` is as kill(2) takes it: negative for a group.
std::string describe(const char* call, signal_id signal, pid_t pid) {
  const std::string whom = pid > 0    ? "process " + std::to_string(pid)
                           : pid == 0 ? "the caller's process group"
                           : pid < -1 ? "process group " + std::to_string(-pid)
                                      : "every process";
  return call + signal.name() + " to " + whom;
}

delivery kill_checked(pid_t pid, signal_id signal) {
  return to_delivery(sys::kill(pid, signal), [&] { return describe("kill(2) of ", signal, pid); });
}

} // namespace

delivery detail::send(failure& why, pid_t pid, signal_id signal) noexcept {
  return at_border(why, [&] {
    if (pid <= 0) fail(EINVAL, "kill(2) of PID " + std::to_string(pid));
    return kill_checked(pid, signal);
  });
}

delivery detail::send_group(failure& why, pid_t group, signal_id signal) noexcept {
  return at_border(why, [&] {
    if (group < 0 || group == 1) fail(EINVAL, "kill(2) of process group " + std::to_string(group));
    return kill_checked(-group, signal);
  });
}

delivery detail::send_all(failure& why, signal_id signal) noexcept {
  return at_border(why, [&] { return kill_checked(-1, signal); });
}

delivery detail::queue(failure& why, pid_t pid, signal_id signal, int value) noexcept {
  return at_border(why, [&] {
    if (pid <= 0) fail(EINVAL, "sigqueue(3) to PID " + std::to_string(pid));
    return to_delivery(sys::queue(pid, signal, value),
                       [&] { return describe("sigqueue(3) of ", signal, pid); });
  });
}

delivery detail::send_thread(failure& why, pid_t process, pid_t thread, signal_id signal) noexcept {
  return at_border(why, [&] {
    const auto operation = [&] {
      return "tgkill(2) of " + signal.name() + " to thread " + std::to_string(thread) +
             " of process " + std::to_string(process);
    };
    if (process <= 0 || thread <= 0) fail(EINVAL, operation());
    return to_delivery(sys::tgkill(process, thread, signal), operation);
  });
}

void detail::pthread_kill(failure& why, pthread_t thread, signal_id signal) noexcept {
  at_border(why, [&] {
    // pthread_kill(3) takes a thread that has ended and was not joined for one that is there;
    // pthread_getcpuclockid(3) does not.
    clockid_t clock = 0;
    int failed = ::pthread_getcpuclockid(thread, &clock);
    if (failed == 0) failed = ::pthread_kill(thread, signal.number());
    if (failed != 0)
      fail(failed, "pthread_kill(3) of " + signal.name() +
                       (failed == ESRCH ? " to a thread that has ended" : " to a thread"));
  });
}

} // namespace sigkit
