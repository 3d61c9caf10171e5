#include <sigkit/pidfd.hpp>

#include "delivery.hpp"
#include "system.hpp"

namespace sigkit {

std::optional<pidfd> detail::pidfd_open(failure& why, pid_t pid) noexcept {
  return at_border(why, [&]() -> std::optional<pidfd> {
    unique_fd descriptor;
    const int failed = sys::pidfd_open(pid, descriptor);
    if (failed == ESRCH) return std::nullopt;
    if (failed != 0) fail(failed, "pidfd_open(2) of process " + std::to_string(pid));
    return pidfd(pid, std::move(descriptor));
  });
}

delivery detail::pidfd_send(failure& why, const pidfd& whom, signal_id signal) noexcept {
  return at_border(why, [&] {
    return to_delivery(sys::pidfd_send_signal(whom.descriptor(), signal),
                       "pidfd_send_signal(2) of ", signal, whom.pid());
  });
}

bool detail::pidfd_wait(failure& why, const pidfd& whom, duration timeout) noexcept {
  return at_border(why, [&] {
    pollfd ended{whom.descriptor(), POLLIN, 0};
    sys::poll_until({&ended, 1}, sys::after(sys::clock::now(), timeout));
    return ended.revents != 0;
  });
}

} // namespace sigkit
