#include "continuer.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sigkit/process.hpp>

#include "system.hpp"

namespace sigkit {

namespace {

bool stands_still(pid_t pid) {
  const auto facts = read_process(pid);
  return facts && (facts->state == 'T' || facts->state == 't');
}

[[noreturn]] void watch(pid_t parent, pid_t other) {
  constexpr duration pause = std::chrono::milliseconds(50);
  ::setpgid(0, 0); // what stops and continues the job is not for this process
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  while (::getppid() == parent && (!stands_still(parent) || stands_still(other)))
    sys::poll_until({}, sys::after(sys::clock::now(), pause));
  if (::getppid() == parent) ::kill(parent, SIGCONT);
  ::_exit(0);
}

} // namespace

continuer::continuer(pid_t other) {
  const pid_t parent = ::getpid();
  if (!proc_is_usable()) return;
  pid_ = ::fork();
  if (pid_ != 0) return;
  try {
    watch(parent, other);
  } catch (...) { // no room for what it reads: must not go on as a second supervisor
    ::_exit(1);
  }
}

continuer::~continuer() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  sys::retry([this] { return ::waitpid(pid_, nullptr, 0); });
}

} // namespace sigkit
