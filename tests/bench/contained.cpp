#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "process.hpp"

namespace bench {

namespace {

/// The signals that end a program, and that of a child's end.
sigset_t watched_signals() {
  sigset_t watched;
  sigemptyset(&watched);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD})
    sigaddset(&watched, number);
  return watched;
}

/// Reaps what has ended, orphans too; whether the worker was among them.
bool reap(pid_t worker, int& worker_status) {
  int status = 0;
  bool found = false;
  for (pid_t ended = 0; (ended = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (ended != worker) continue;
    worker_status = status;
    found = true;
  }
  return found;
}

/// The signal that came before the worker ended; 0 where it has ended.
int await(pid_t worker, const sigset_t& watched, int& worker_status) {
  while (!reap(worker, worker_status)) {
    int number = 0;
    ::sigwait(&watched, &number);
    if (number != SIGCHLD) return number;
  }
  return 0;
}

void kill_children() {
  std::FILE* list = std::fopen("/proc/thread-self/children", "r");
  if (list == nullptr) return; // then each ends by itself after some time
  for (pid_t child = 0; std::fscanf(list, "%d", &child) == 1;)
    ::kill(child, SIGKILL);
  std::fclose(list);
}

/// This process is a subreaper: whose parent has ended becomes its child.
void end_descendants() {
  do
    kill_children();
  while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR);
}

[[noreturn]] void work(const std::function<int()>& body, const sigset_t& mask) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setsid(); // no terminal: the same start and end in a job and by hand
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  const int status = body();
  std::fflush(nullptr);
  ::_exit(status);
}

[[noreturn]] void end_by(int number) {
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, number);
  ::signal(number, SIG_DFL);
  ::raise(number);
  ::sigprocmask(SIG_UNBLOCK, &only, nullptr);
  ::_exit(128 + number);
}

} // namespace

int contained(const std::function<int()>& body) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::signal(SIGCHLD, SIG_DFL); // ignored, it would not tell
  const sigset_t watched = watched_signals();
  sigset_t before;
  ::sigprocmask(SIG_BLOCK, &watched, &before);
  const pid_t worker = ::fork();
  if (worker < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (worker == 0) work(body, before);
  int status = 0;
  const int number = await(worker, watched, status);
  end_descendants();
  if (number != 0) end_by(number);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

} // namespace bench
