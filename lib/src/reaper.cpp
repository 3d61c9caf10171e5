#include "reaper.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system.hpp"

namespace sigkit {

/// What goes over the connection, one packet each.
struct reaper::report {
  enum class kind : unsigned char { started, not_started, failed, ended, all_gone };
  kind what;
  pid_t pid = 0;
  int error = 0;
  int code = 0;   ///< si_code of waitid(2)
  int status = 0; ///< si_status
};

namespace {

template <class Report> void tell(int connection, const Report& report) {
  sys::retry([&] { return ::send(connection, &report, sizeof report, MSG_NOSIGNAL); });
}

/// Reaps until no descendant is left.
template <class Report> void reap_all(int connection, pid_t command) {
  for (;;) {
    siginfo_t info{};
    if (sys::retry([&] { return ::waitid(P_ALL, 0, &info, WEXITED | __WALL); }) != 0) return;
    if (info.si_pid != command) continue;
    tell(connection, Report{.what = Report::kind::ended,
                            .pid = command,
                            .code = info.si_code,
                            .status = info.si_status});
  }
}

template <class Report>
[[noreturn]] void be_the_reaper(int connection, pid_t parent, char* const* argv,
                                const spawn_options& options) {
  try {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(0);
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) fail(errno, "prctl(2) PR_SET_CHILD_SUBREAPER");
    const spawn_result spawned = spawn(argv, options);
    if (!spawned.process) {
      tell(connection, Report{.what = Report::kind::not_started, .error = spawned.exec_error});
      ::_exit(0);
    }
    const pid_t command = spawned.process->pid();
    tell(connection, Report{.what = Report::kind::started, .pid = command});
    // The supervisor opens a pidfd before the command can be reaped.
    char go = 0;
    sys::retry([&] { return ::recv(connection, &go, 1, 0); });
    reap_all<Report>(connection, command);
    tell(connection, Report{.what = Report::kind::all_gone});
  } catch (const std::system_error& failure) {
    tell(connection, Report{.what = Report::kind::failed, .error = failure.code().value()});
  }
  ::_exit(0);
}

} // namespace

void reaper::make_process(char* const* argv, const spawn_options& options) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    fail(errno, "socketpair(2)");
  connection_.reset(ends[0]);
  unique_fd other(ends[1]);
  const pid_t parent = ::getpid();
  // A copy of this process, which goes on running beside it: nothing lighter would do.
  const pid_t pid = ::fork();
  if (pid < 0) fail(errno, "fork(2)");
  if (pid == 0) {
    connection_.reset();
    be_the_reaper<report>(other.get(), parent, argv, options);
  }
  process_ = pidfd::open(pid);
}

spawn_result reaper::start(char* const* argv, const spawn_options& options) {
  make_process(argv, options);
  report first{};
  const ssize_t size =
      sys::retry([&] { return ::recv(connection_.get(), &first, sizeof first, 0); });
  if (size != sizeof first) fail(ECHILD, "starting the reaper");
  switch (first.what) {
  case report::kind::started: {
    spawn_result result{pidfd::open(first.pid), 0};
    const char go = 1;
    sys::retry([&] { return ::send(connection_.get(), &go, 1, MSG_NOSIGNAL); });
    return result;
  }
  case report::kind::not_started: all_gone_ = true; return {std::nullopt, first.error};
  default: fail(first.error, "starting the command in the reaper");
  }
}

void reaper::learn() {
  report next{};
  for (;;) {
    const ssize_t size =
        sys::retry([&] { return ::recv(connection_.get(), &next, sizeof next, MSG_DONTWAIT); });
    if (size < 0 && errno == EAGAIN) return;
    if (size != sizeof next) {
      if (all_gone_) return;
      fail(ECHILD, "the process that reaps was killed");
    }
    if (next.what == report::kind::ended)
      command_ = exit_status::from_child_code(next.code, next.status);
    else if (next.what == report::kind::all_gone)
      all_gone_ = true;
  }
}

reaper::~reaper() {
  if (!process_) return;
  sys::pidfd_send_signal(process_->descriptor(), sigkill);
  int status = 0;
  sys::retry([&] { return ::waitpid(process_->pid(), &status, 0); });
}

} // namespace sigkit
