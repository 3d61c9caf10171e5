#include <sigkit/pidfd.hpp>

#include "delivery.hpp"
#include "system.hpp"

namespace sigkit {

std::optional<pidfd> pidfd::open(pid_t pid) {
  unique_fd descriptor;
  const int failure = sys::pidfd_open(pid, descriptor);
  if (failure == ESRCH) return std::nullopt;
  if (failure != 0) fail(failure, "pidfd_open(2) of process " + std::to_string(pid));
  return pidfd(pid, std::move(descriptor));
}

delivery pidfd::send(signal_id signal) const {
  return to_delivery(sys::pidfd_send_signal(descriptor_.get(), signal), "pidfd_send_signal(2) of ",
                     signal, pid_);
}

bool pidfd::wait(duration timeout) const {
  pollfd ended{descriptor_.get(), POLLIN, 0};
  sys::poll_until({&ended, 1}, sys::after(sys::clock::now(), timeout));
  return ended.revents != 0;
}

} // namespace sigkit
