#include "reaper.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sigkit/mask.hpp>

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

/// Whether the supervisor says that it is ready; false where it has gone.
bool hears_go(int connection) {
  char go = 0;
  return sys::retry([&] { return ::recv(connection, &go, 1, 0); }) == 1;
}

/// Reaps until no descendant is left. The command's PID stays its own until the supervisor knows
/// that it has ended.
template <class Report> void reap_all(int connection, pid_t command) {
  for (;;) {
    siginfo_t info{};
    const auto next = [&](int how) {
      return sys::retry([&] { return ::waitid(P_ALL, 0, &info, WEXITED | __WALL | how); });
    };
    if (next(WNOWAIT) != 0) return;
    if (info.si_pid == command) {
      tell(connection, Report{.what = Report::kind::ended,
                              .pid = command,
                              .code = info.si_code,
                              .status = info.si_status});
      hears_go(connection);
    }
    const auto pid = static_cast<id_t>(info.si_pid);
    sys::retry([&] { return ::waitid(P_PID, pid, &info, WEXITED | __WALL); });
  }
}

/// Nothing else of what the supervisor has open is kept for as long as the tree lives.
void close_all_but(int connection) {
  const auto kept = static_cast<unsigned>(connection);
  if (kept > 0) ::close_range(0, kept - 1, 0);
  ::close_range(kept + 1, ~0U, 0);
}

template <class Report>
[[noreturn]] void be_the_reaper(int connection, pid_t parent, char* const* argv,
                                const spawn_options& options) {
  try {
    const scoped_mask undisturbed(mask_change::block,
                                  signal_set::all()); // by the program's handlers
    // What is sent to the supervisor's group is not for this process. The command goes back there.
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const pid_t parent_now = ::getppid();
    if (parent_now == 0) fail(ENOTSUP, "a process in between, for a tree in another PID namespace");
    if (parent_now != parent) ::_exit(0);
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) fail(errno, "prctl(2) PR_SET_CHILD_SUBREAPER");
    const spawn_result spawned = spawn(argv, options);
    if (!spawned.process) {
      tell(connection, Report{.what = Report::kind::not_started, .error = spawned.exec_error});
      ::_exit(0);
    }
    const pid_t command = spawned.process->pid();
    tell(connection, Report{.what = Report::kind::started, .pid = command});
    close_all_but(connection);
    // The supervisor opens a pidfd before the command can be reaped. Where it cannot, nobody would
    // watch the command.
    if (!hears_go(connection)) {
      ::kill(command, SIGKILL);
      sys::retry([&] { return ::waitpid(command, nullptr, 0); });
      ::_exit(0);
    }
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
  pid_ = ::fork();
  if (pid_ < 0) fail(errno, "fork(2)");
  if (pid_ == 0) {
    connection_.reset();
    be_the_reaper<report>(other.get(), parent, argv, options);
  }
}

spawn_result reaper::start(char* const* argv, spawn_options options) {
  if (!options.group && !options.new_session) options.group = ::getpgrp();
  make_process(argv, options);
  report first{};
  const ssize_t size =
      sys::retry([&] { return ::recv(connection_.get(), &first, sizeof first, 0); });
  if (size != sizeof first) fail(ECHILD, "starting the process that reaps");
  switch (first.what) {
  case report::kind::started: {
    spawn_result result;
    result.process = pidfd::open(first.pid);
    say_go();
    watching_ = true;
    return result;
  }
  case report::kind::not_started: see_it_end(); return {std::nullopt, first.error};
  default: fail(first.error, "starting the command in the process that reaps");
  }
}

void reaper::say_go() noexcept {
  const char go = 1;
  sys::retry([&] { return ::send(connection_.get(), &go, 1, MSG_NOSIGNAL); });
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
      see_it_end();
  }
}

void reaper::see_it_end() noexcept {
  all_gone_ = true;
  sys::retry([&] { return ::waitpid(pid_, nullptr, 0); });
  pid_ = -1;
}

reaper::~reaper() {
  if (pid_ <= 0) return;
  // Before the command is watched, the end of the connection tells the process to end it.
  if (watching_)
    ::kill(pid_, SIGKILL);
  else
    connection_.reset();
  sys::retry([&] { return ::waitpid(pid_, nullptr, 0); });
}

} // namespace sigkit
