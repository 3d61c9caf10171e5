#include <sigkit/wait.hpp>

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <string>

#include "own_wake.hpp"
#include "system.hpp"

namespace sigkit {

namespace {

using detail::wait_end;

/// sigtimedwait(2) for so long; false where none came or another signal interrupted it.
bool take_signal(signal_set set, duration timeout, signal_info& info) {
  const sigset_t native = set.to_sigset();
  const timespec limit = sys::to_timespec(timeout);
  siginfo_t taken;
  if (::sigtimedwait(&native, &taken, &limit) < 0) {
    if (errno == EAGAIN || errno == EINTR) return false;
    fail(errno, "sigtimedwait(2) of " + to_string(set));
  }
  info = signal_info::from(taken);
  return true;
}

wait_end again_until(sys::clock::time_point until) {
  return sys::clock::now() < until ? wait_end::again : wait_end::timed_out;
}

wait_end wait_without_handlers(signal_set set, sys::clock::time_point until, signal_info& info) {
  for (;;) {
    const duration left = until - sys::clock::now();
    if (left <= duration::zero()) return wait_end::timed_out;
    if (take_signal(set, left, info)) return wait_end::ready;
  }
}

/// Both are watched at once: what is to be taken, and what is to be handled.
wait_end wait_with_handlers(signal_set set, sys::clock::time_point until, const own_wake& wake) {
  const unique_fd signals = sys::make_signalfd(set);
  std::array<pollfd, 2> sources{{{signals.get(), POLLIN, 0}, wake.source()}};
  sys::poll_until(sources, wake.limit(until));
  return sources[0].revents != 0 ? wait_end::again : again_until(until);
}

} // namespace

detail::deadline detail::deadline_of(failure& why, const char* call, duration timeout) noexcept {
  return at_border(why, [&] {
    if (timeout < duration::zero()) fail(EINVAL, std::string(call) + " of a negative time");
    return sys::after(sys::clock::now(), timeout);
  });
}

detail::wait_end detail::wait_for_descriptor(failure& why, int descriptor,
                                             deadline until) noexcept {
  return at_border(why, [&] {
    const own_wake wake;
    std::array<pollfd, 2> sources{{{descriptor, POLLIN, 0}, wake.source()}};
    sys::poll_until(sources, wake.limit(until));
    if ((sources[0].revents & POLLNVAL) != 0)
      fail(EBADF, "poll(2) of descriptor " + std::to_string(descriptor));
    return sources[0].revents != 0 ? wait_end::ready : again_until(until);
  });
}

detail::wait_end detail::wait_for_signal(failure& why, signal_set set, deadline until,
                                         signal_info& info) noexcept {
  return at_border(why, [&] {
    if (take_signal(set, duration::zero(), info)) return wait_end::ready;
    const own_wake wake;
    return wake.is_active() ? wait_with_handlers(set, until, wake)
                            : wait_without_handlers(set, until, info);
  });
}

detail::wait_end detail::wait_for_any_signal(failure& why) noexcept {
  return at_border(why, [&] {
    const own_wake wake;
    if (!wake.is_active()) {
      ::pause();
      return wait_end::ready;
    }
    pollfd source = wake.source();
    const int limit = wake.limit(deadline::max()) == deadline::max() ? -1 : 0;
    return ::poll(&source, 1, limit) >= 0 ? wait_end::again : wait_end::ready;
  });
}

} // namespace sigkit
