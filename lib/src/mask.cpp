#include <sigkit/mask.hpp>

#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>

namespace sigkit {

signal_set detail::change_mask(mask_change how, signal_set set) noexcept {
  const int native = how == mask_change::block     ? SIG_BLOCK
                     : how == mask_change::unblock ? SIG_UNBLOCK
                                                   : SIG_SETMASK;
  // The C library's own function leaves 32 and 33 out of what it returns, so that a program which
  // inherited them blocked cannot hand that on. They are never changed here.
  const auto apply = [](int change, std::uint64_t wanted) {
    std::uint64_t previous = 0;
    ::syscall(SYS_rt_sigprocmask, change, &wanted, &previous, sizeof wanted);
    return previous;
  };
  signal_set reserved;
  for (const signal_id signal : signal_set::all())
    if (signal.is_reserved()) reserved.insert(signal);
  const std::uint64_t kept =
      how == mask_change::set ? apply(SIG_BLOCK, 0) & reserved.mask() : std::uint64_t{0};
  const std::uint64_t previous = apply(native, (set - reserved).mask() | kept);
  return signal_set::from_mask(previous);
}

signal_set sigpending() noexcept {
  sigset_t pending;
  ::sigemptyset(&pending);
  ::sigpending(&pending);
  return signal_set::from_sigset(pending);
}

} // namespace sigkit
