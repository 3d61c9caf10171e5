#include "own_signals.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include <sigkit/mask.hpp>
#include <sigkit/signal_set.hpp>

#include "failure.hpp"
#include "notes.hpp"

namespace sigkit {

kept_children::kept_children() {
  if (::sigaction(SIGCHLD, nullptr, &previous_) != 0) fail(errno, "sigaction(2) of CHLD");
  if (!was_ignored() && (previous_.sa_flags & SA_NOCLDWAIT) == 0) return;
  struct sigaction action = previous_;
  action.sa_flags &= ~SA_NOCLDWAIT;
  if (was_ignored()) action.sa_handler = SIG_DFL;
  ::sigaction(SIGCHLD, &action, nullptr);
  changed_ = true;
}

kept_children::~kept_children() {
  if (changed_) ::sigaction(SIGCHLD, &previous_, nullptr);
}

bool is_own(const signal_info& info) {
  if (info.signal == sigchld) return true;
  if (info.code == SI_KERNEL)
    return signal_set{sigalrm, sigvtalrm, sigprof, sigxcpu}.contains(info.signal);
  const bool was_sent = info.code == SI_USER || info.code == SI_QUEUE || info.code == SI_TKILL;
  return !was_sent || info.pid == ::getpid();
}

programs_own_signals::~programs_own_signals() {
  for (siginfo_t& info : for_later_)
    ::syscall(SYS_rt_tgsigqueueinfo, ::getpid(), ::gettid(), info.si_signo, &info);
}

void programs_own_signals::give(siginfo_t& info) {
  struct sigaction action {};
  if (::sigaction(info.si_signo, nullptr, &action) != 0 || action.sa_handler == SIG_IGN) return;
  if (action.sa_sigaction == &notes::on_signal) {
    const scoped_mask as_in_a_handler(mask_change::block, signal_set::all());
    notes::on_signal(info.si_signo, &info, nullptr);
  } else if (!is_merged(info)) {
    for_later_.push_back(info);
  }
}

/// The kernel holds one of a standard signal, and one of a timer.
bool programs_own_signals::is_merged(const siginfo_t& info) const {
  const bool is_standard = !signal_id(info.si_signo).is_real_time();
  return std::any_of(for_later_.begin(), for_later_.end(), [&](const siginfo_t& held) {
    const bool is_same_timer =
        held.si_code == SI_TIMER && info.si_code == SI_TIMER && held.si_timerid == info.si_timerid;
    return held.si_signo == info.si_signo && (is_standard || is_same_timer);
  });
}

} // namespace sigkit
