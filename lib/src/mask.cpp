#include <sigkit/mask.hpp>

#include <csignal>

namespace sigkit {

signal_set pthread_sigmask(mask_change how, signal_set set) noexcept {
  const int native = how == mask_change::block     ? SIG_BLOCK
                     : how == mask_change::unblock ? SIG_UNBLOCK
                                                   : SIG_SETMASK;
  const sigset_t wanted = set.to_sigset();
  sigset_t previous;
  ::sigemptyset(&previous);
  ::pthread_sigmask(native, &wanted, &previous);
  return signal_set::from_sigset(previous);
}

signal_set sigpending() noexcept {
  sigset_t pending;
  ::sigemptyset(&pending);
  ::sigpending(&pending);
  return signal_set::from_sigset(pending);
}

} // namespace sigkit
