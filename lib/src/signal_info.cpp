#include <sigkit/signal_info.hpp>

#include <sigkit/signal_set.hpp>

namespace sigkit {

namespace {

/// Whether it tells of a descriptor: SIGIO, or the signal that F_SETSIG of fcntl(2) has put in its
/// place. One that has codes of its own has SI_SIGIO then.
bool is_io(signal_id signal, int code) noexcept {
  const bool has_own_codes =
      signal_set{sigill, sigtrap, sigbus, sigfpe, sigsegv, sigchld, sigsys}.contains(signal);
  return code == SI_SIGIO || (code >= POLL_IN && code <= POLL_HUP && !has_own_codes);
}

} // namespace

signal_info signal_info::from(const siginfo_t& info) noexcept {
  signal_info result;
  result.signal = signal_id(info.si_signo);
  result.code = info.si_code;
  result.error_number = info.si_errno;
  if (info.si_code == SI_TIMER) {
    result.value = info.si_value.sival_int;
    return result;
  }
  if (is_io(result.signal, result.code)) {
    result.band = info.si_band;
    return result;
  }
  const bool from_kernel = info.si_code > 0;
  if (from_kernel && info.si_signo != SIGCHLD) return result;
  result.pid = info.si_pid;
  result.uid = info.si_uid;
  if (from_kernel)
    result.status = info.si_status;
  else
    result.value = info.si_value.sival_int;
  return result;
}

signal_info signal_info::from(const signalfd_siginfo& info) noexcept {
  signal_info result;
  result.signal = signal_id(static_cast<int>(info.ssi_signo));
  result.code = info.ssi_code;
  result.error_number = info.ssi_errno;
  result.pid = static_cast<pid_t>(info.ssi_pid);
  result.uid = info.ssi_uid;
  result.status = info.ssi_status;
  result.band = info.ssi_band;
  result.value = info.ssi_int;
  return result;
}

namespace {

struct named_code {
  int signal; // 0: any
  int code;
  char name[16]; // not a pointer, which is relocated at each start
};

#define SIGKIT_CODE(signal, code)                                                                  \
  { signal, code, #code }
constexpr named_code named_codes[] = {
    SIGKIT_CODE(0, SI_USER),
    SIGKIT_CODE(0, SI_KERNEL),
    SIGKIT_CODE(0, SI_QUEUE),
    SIGKIT_CODE(0, SI_TIMER),
    SIGKIT_CODE(0, SI_MESGQ),
    SIGKIT_CODE(0, SI_ASYNCIO),
    SIGKIT_CODE(0, SI_SIGIO),
    SIGKIT_CODE(0, SI_TKILL),
    SIGKIT_CODE(SIGCHLD, CLD_EXITED),
    SIGKIT_CODE(SIGCHLD, CLD_KILLED),
    SIGKIT_CODE(SIGCHLD, CLD_DUMPED),
    SIGKIT_CODE(SIGCHLD, CLD_TRAPPED),
    SIGKIT_CODE(SIGCHLD, CLD_STOPPED),
    SIGKIT_CODE(SIGCHLD, CLD_CONTINUED),
    SIGKIT_CODE(SIGSEGV, SEGV_MAPERR),
    SIGKIT_CODE(SIGSEGV, SEGV_ACCERR),
    SIGKIT_CODE(SIGBUS, BUS_ADRALN),
    SIGKIT_CODE(SIGBUS, BUS_ADRERR),
    SIGKIT_CODE(SIGBUS, BUS_OBJERR),
    SIGKIT_CODE(SIGFPE, FPE_INTDIV),
    SIGKIT_CODE(SIGFPE, FPE_INTOVF),
    SIGKIT_CODE(SIGFPE, FPE_FLTDIV),
    SIGKIT_CODE(SIGFPE, FPE_FLTOVF),
    SIGKIT_CODE(SIGFPE, FPE_FLTUND),
    SIGKIT_CODE(SIGFPE, FPE_FLTRES),
    SIGKIT_CODE(SIGFPE, FPE_FLTINV),
    SIGKIT_CODE(SIGFPE, FPE_FLTSUB),
    SIGKIT_CODE(SIGSEGV, SEGV_BNDERR),
    SIGKIT_CODE(SIGSEGV, SEGV_PKUERR),
    SIGKIT_CODE(SIGBUS, BUS_MCEERR_AR),
    SIGKIT_CODE(SIGBUS, BUS_MCEERR_AO),
    SIGKIT_CODE(SIGILL, ILL_ILLADR),
    SIGKIT_CODE(SIGILL, ILL_ILLTRP),
    SIGKIT_CODE(SIGILL, ILL_PRVOPC),
    SIGKIT_CODE(SIGILL, ILL_PRVREG),
    SIGKIT_CODE(SIGILL, ILL_COPROC),
    SIGKIT_CODE(SIGILL, ILL_BADSTK),
    SIGKIT_CODE(SIGTRAP, TRAP_BRKPT),
    SIGKIT_CODE(SIGTRAP, TRAP_TRACE),
    SIGKIT_CODE(SIGIO, POLL_MSG),
    SIGKIT_CODE(SIGIO, POLL_ERR),
    SIGKIT_CODE(SIGIO, POLL_PRI),
    SIGKIT_CODE(SIGILL, ILL_ILLOPC),
    SIGKIT_CODE(SIGILL, ILL_ILLOPN),
    SIGKIT_CODE(SIGIO, POLL_IN),
    SIGKIT_CODE(SIGIO, POLL_OUT),
    SIGKIT_CODE(SIGIO, POLL_HUP),
};
#undef SIGKIT_CODE

} // namespace

std::string code_name(const signal_info& info) {
  const int signal = is_io(info.signal, info.code) ? SIGIO : info.signal.number();
  for (const named_code& known : named_codes)
    if (known.code == info.code && (known.signal == 0 || known.signal == signal)) return known.name;
  return std::to_string(info.code);
}

} // namespace sigkit
