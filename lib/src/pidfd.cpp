#include <sigkit/pidfd.hpp>

#include <string>

#include "delivery.hpp"
#include "system.hpp"

namespace sigkit {

namespace {

std::optional<pidfd> open_checked(pid_t id, unsigned flags, const char* what) {
  unique_fd descriptor;
  int failed = sys::pidfd_open(id, descriptor, flags);
  if (failed == ESRCH) return std::nullopt;
  if (failed == ENOENT) failed = EINVAL; // what newer kernels say of a thread that leads no process
  // Before Linux 6.9 the flag itself is what the kernel refuses.
  const bool unknown_flag = failed == EINVAL && flags != 0 && id > 0;
  if (failed != 0)
    fail(unknown_flag ? ENOSYS : failed,
         sys::pidfd_open_named(failed) + " of " + (what + std::to_string(id)));
  return pidfd(id, std::move(descriptor));
}

std::string describe(int failed, signal_id signal, const pidfd& whom,
                     const char* what = "process ") {
  return sys::pidfd_send_signal_named(failed) + " of " + signal.name() + " to " + what +
         std::to_string(whom.pid());
}

/// Whether `thread` is one of the process's, and what it is held by; nothing where that is not to
/// be had. While the process is held and has not been reaped, its PID is not recycled.
delivery hold_thread(const pidfd& whom, pid_t thread, unique_fd& held) {
  const auto describe_thread = [&] { return "tgkill(2) to thread " + std::to_string(thread); };
  const int failed = sys::pidfd_open(thread, held, sys::pidfd_thread);
  if (failed != 0 && failed != EINVAL && failed != ENOENT)
    return to_delivery(failed, describe_thread);
  const delivery found = to_delivery(sys::tgkill(whom.pid(), thread, signull), describe_thread);
  if (found != delivery::sent) return found;
  return to_delivery(sys::pidfd_send_signal(whom.descriptor(), signull), describe_thread);
}

} // namespace

std::optional<pidfd> detail::pidfd_open(failure& why, pid_t pid) noexcept {
  return at_border(why, [&] { return open_checked(pid, 0, "process "); });
}

std::optional<pidfd> detail::pidfd_open_thread(failure& why, pid_t thread) noexcept {
  return at_border(why, [&] { return open_checked(thread, sys::pidfd_thread, "thread "); });
}

delivery detail::pidfd_send(failure& why, const pidfd& whom, signal_id signal) noexcept {
  return at_border(why, [&] {
    const int failed = sys::pidfd_send_signal(whom.descriptor(), signal);
    return to_delivery(failed, [&] { return describe(failed, signal, whom); });
  });
}

delivery detail::pidfd_queue(failure& why, const pidfd& whom, signal_id signal,
                             int value) noexcept {
  return at_border(why, [&] {
    const int failed = sys::pidfd_queue(whom.descriptor(), signal, value);
    return to_delivery(failed, [&] { return describe(failed, signal, whom); });
  });
}

delivery detail::pidfd_send_group(failure& why, const pidfd& whom, signal_id signal) noexcept {
  return at_border(why, [&] {
    const auto describe_group = [&] { return describe(0, signal, whom, "process group "); };
    const int failed =
        sys::pidfd_send_signal(whom.descriptor(), signal, sys::pidfd_signal_process_group);
    // Before Linux 6.9 the flag itself is what the kernel refuses.
    if (failed == EINVAL && signal_id::from_number(signal.number())) fail(ENOSYS, describe_group());
    return to_delivery(failed, describe_group);
  });
}

delivery detail::pidfd_send_thread(failure& why, const pidfd& whom, pid_t thread,
                                   signal_id signal) noexcept {
  return at_border(why, [&] {
    if (thread <= 0) fail(EINVAL, "tgkill(2) to thread " + std::to_string(thread));
    unique_fd held;
    const delivery found = hold_thread(whom, thread, held);
    if (found != delivery::sent) return found;
    const int failed = held.has_value() ? sys::pidfd_send_signal(held.get(), signal)
                                        : sys::tgkill(whom.pid(), thread, signal);
    return to_delivery(failed, [&] {
      return describe(failed, signal, whom) + ", thread " + std::to_string(thread);
    });
  });
}

} // namespace sigkit
