#include <sigkit/wait.hpp>

#include <csignal>

#include "system.hpp"

namespace sigkit {

namespace {

signal_info wait_for_ever(signal_set set) {
  const sigset_t native = set.to_sigset();
  siginfo_t info;
  if (sys::retry([&] { return ::sigwaitinfo(&native, &info); }) < 0)
    fail(errno, "sigwaitinfo(2) of " + to_string(set));
  return signal_info::from(info);
}

std::optional<signal_info> wait_until(signal_set set, duration timeout) {
  if (timeout < duration::zero()) fail(EINVAL, "sigtimedwait(2) with a negative timeout");
  if (timeout == never) return wait_for_ever(set);
  const sigset_t native = set.to_sigset();
  const auto deadline = sys::after(sys::clock::now(), timeout);
  for (duration left = timeout;;) {
    const timespec limit = sys::to_timespec(left);
    siginfo_t info;
    if (::sigtimedwait(&native, &info, &limit) >= 0) return signal_info::from(info);
    if (errno == EAGAIN) return std::nullopt;
    if (errno != EINTR) fail(errno, "sigtimedwait(2) of " + to_string(set));
    left = std::max<duration>(deadline - sys::clock::now(), duration::zero());
  }
}

} // namespace

signal_info detail::sigwaitinfo(failure& why, signal_set set) noexcept {
  return at_border(why, [&] { return wait_for_ever(set); });
}

std::optional<signal_info> detail::sigtimedwait(failure& why, signal_set set,
                                                duration timeout) noexcept {
  return at_border(why, [&] { return wait_until(set, timeout); });
}

} // namespace sigkit
