#include "reaper.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>
#include <utility>

#include <sigkit/mask.hpp>

#include "proc.hpp"
#include "system.hpp"
#include "text.hpp"

namespace sigkit {

/// What goes over the connection, one packet each.
struct reaper::report {
  enum class kind : unsigned char {
    is_root,
    started,
    not_started,
    failed,
    ended,
    others_left,
    received,
    stopped,
    all_gone
  };
  kind what;
  pid_t pid = 0;
  int error = 0;
  int code = 0;   ///< si_code of waitid(2)
  int status = 0; ///< si_status
  siginfo_t info{};
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

/// Reaps what has ended; false where no descendant is left. The command's PID stays its own until
/// the supervisor knows that it has ended.
template <class Report> bool reap_ended(int connection, pid_t command) {
  for (;;) {
    siginfo_t info{};
    const auto next = [&](int how) {
      return sys::retry(
          [&] { return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL | how); });
    };
    if (next(WNOWAIT) != 0) return false;
    if (info.si_pid == 0) return true;
    if (info.si_pid == command) {
      tell(connection, Report{.what = Report::kind::ended,
                              .pid = command,
                              .code = info.si_code,
                              .status = info.si_status});
      hears_go(connection);
    }
    const auto pid = static_cast<id_t>(info.si_pid);
    sys::retry([&] { return ::waitid(P_PID, pid, &info, WEXITED | __WALL); });
    const bool was_command = std::exchange(info.si_pid, 0) == command;
    if (was_command && next(WNOWAIT) == 0)
      tell(connection, Report{.what = Report::kind::others_left});
  }
}

/// Says when the command was stopped.
template <class Report> void tell_of_stop(int connection, pid_t command) {
  siginfo_t info{};
  const auto pid = static_cast<id_t>(command);
  if (::waitid(P_PID, pid, &info, WSTOPPED | WNOHANG) == 0 && info.si_pid != 0)
    tell(connection, Report{.what = Report::kind::stopped, .status = info.si_status});
}

/// Until no descendant is left. For them this process is the supervisor: what they send to it is
/// handed on.
template <class Report> void reap_all(int connection, pid_t command) {
  sigset_t all;
  ::sigfillset(&all);
  while (reap_ended<Report>(connection, command)) {
    Report report{.what = Report::kind::received};
    const int number = sys::retry([&] { return ::sigwaitinfo(&all, &report.info); });
    if (number == SIGCHLD)
      tell_of_stop<Report>(connection, command);
    else if (number > 0)
      tell(connection, report);
  }
}

/// Nothing else of what the supervisor has open is kept for as long as the tree lives.
void close_all_but(int connection) {
  const auto kept = static_cast<unsigned>(connection);
  if (kept > 0) proc::close_files(0, kept - 1);
  proc::close_files(kept + 1, ~0U);
}

/// A report with room for a descriptor beside it.
template <class Report> class packet {
public:
  explicit packet(Report& report) : content_{&report, sizeof report} {
    header_.msg_iov = &content_;
    header_.msg_iovlen = 1;
    header_.msg_control = room_.data();
    header_.msg_controllen = room_.size();
  }
  packet(const packet&) = delete;
  packet& operator=(const packet&) = delete;
  ~packet() = default;

  void send(int connection, int descriptor) {
    cmsghdr* const beside = CMSG_FIRSTHDR(&header_);
    beside->cmsg_level = SOL_SOCKET;
    beside->cmsg_type = SCM_RIGHTS;
    beside->cmsg_len = CMSG_LEN(sizeof descriptor);
    std::memcpy(CMSG_DATA(beside), &descriptor, sizeof descriptor);
    sys::retry([&] { return ::sendmsg(connection, &header_, MSG_NOSIGNAL); });
  }

  /// False where there is nothing to come.
  bool receive(int connection, unique_fd& descriptor) {
    const ssize_t size =
        sys::retry([&] { return ::recvmsg(connection, &header_, MSG_CMSG_CLOEXEC); });
    if (size != static_cast<ssize_t>(content_.iov_len)) return false;
    if (const cmsghdr* const beside = CMSG_FIRSTHDR(&header_); beside != nullptr) {
      int received = -1;
      std::memcpy(&received, CMSG_DATA(beside), sizeof received);
      descriptor.reset(received);
    }
    return true;
  }

private:
  iovec content_;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> room_{};
  msghdr header_{};
};

/// Its PID may be another's in the supervisor's namespace: a descriptor goes along.
template <class Report> void tell_of_command(int connection, const pidfd& command) {
  Report report{.what = Report::kind::started, .pid = command.pid()};
  packet<Report>(report).send(connection, command.descriptor());
}

/// A pidfd from another PID namespace: its PID in this one.
pid_t pid_of(const unique_fd& descriptor) {
  const std::string file = "/proc/self/fdinfo/" + std::to_string(descriptor.get());
  const std::string text = proc::read_text(AT_FDCWD, file.c_str()).value_or(std::string());
  for (std::string_view rest = text; !rest.empty();) {
    std::string_view line = cut(rest, '\n');
    if (cut(line, '\t') == "Pid:") return parse_decimal<pid_t>(line).value_or(-1);
  }
  return -1;
}

/// Starts the command, and stays until none of its descendants is left.
template <class Report>
void start_and_reap(int connection, char* const* argv, const spawn_options& options) {
  const spawn_result spawned = spawn(argv, options);
  if (!spawned.process) {
    tell(connection, Report{.what = Report::kind::not_started, .error = spawned.exec_error});
    return;
  }
  const pid_t command = spawned.process->pid();
  ::setpgid(0, 0); // what is sent to the command's group is not for this process
  tell_of_command<Report>(connection, *spawned.process);
  close_all_but(connection);
  // Where the supervisor cannot hold the command, nobody would watch it.
  if (!hears_go(connection)) {
    ::kill(command, SIGKILL);
    sys::retry([&] { return ::waitpid(command, nullptr, 0); });
    return;
  }
  reap_all<Report>(connection, command);
  tell(connection, Report{.what = Report::kind::all_gone});
}

template <class Report, class Body> [[noreturn]] void run_in_child(int connection, Body body) {
  try {
    const scoped_mask undisturbed(mask_change::block,
                                  signal_set::all()); // by the program's handlers
    body();
  } catch (const std::system_error& failure) {
    tell(connection, Report{.what = Report::kind::failed, .error = failure.code().value()});
  } catch (...) { // must not go on as a second supervisor
    tell(connection, Report{.what = Report::kind::failed, .error = ENOMEM});
  }
  ::_exit(0);
}

/// Dies with its parent; false where that has gone already.
bool follow_parent(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  return ::getppid() == parent;
}

void write_map(const char* file, const std::string& text) {
  const unique_fd map(::open(file, O_WRONLY | O_CLOEXEC));
  int failed = map.has_value() ? 0 : errno;
  if (failed == 0) failed = sys::write_all(map.get(), text);
  if (failed != 0) fail(failed, std::string("write(2) to ") + file);
}

/// The next child is PID 1 of a namespace. Who may not make one may in a user namespace, in which
/// everybody keeps their own number.
void leave_pid_namespace() {
  constexpr int wanted = CLONE_NEWPID | CLONE_NEWNS;
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  if (::unshare(wanted) == 0) return;
  if (errno != EPERM || ::unshare(wanted | CLONE_NEWUSER) != 0) fail(errno, "unshare(2)");
  write_map("/proc/self/setgroups", "deny");
  write_map("/proc/self/uid_map", std::to_string(user) + ' ' + std::to_string(user) + " 1");
  write_map("/proc/self/gid_map", std::to_string(group) + ' ' + std::to_string(group) + " 1");
}

/// A /proc that shows the namespace. Where it may not be mounted the one from outside stays.
void mount_own_proc() {
  if (::mount("none", "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) return;
  ::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
}

/// What is outside of the namespace: waits for its PID 1.
template <class Report>
void start_namespace(int connection, char* const* argv, const spawn_options& options) {
  leave_pid_namespace();
  const pid_t first = ::fork();
  if (first < 0) fail(errno, "fork(2)");
  if (first == 0)
    run_in_child<Report>(connection, [&] {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      mount_own_proc();
      start_and_reap<Report>(connection, argv, options);
    });
  ::setpgid(0, 0); // after the fork: the command is in the supervisor's group
  tell(connection, Report{.what = Report::kind::is_root, .pid = first});
  proc::close_files(0, ~0U);
  sys::retry([&] { return ::waitpid(first, nullptr, 0); });
}

template <class Report>
void be_the_reaper(int connection, pid_t parent, char* const* argv, const spawn_options& options) {
  // What is sent to the supervisor's group is not for this process. The command goes back there.
  ::setpgid(0, 0);
  if (::getppid() == 0) fail(ENOTSUP, "a process in between, for a tree in another PID namespace");
  if (!follow_parent(parent)) return;
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) fail(errno, "prctl(2) PR_SET_CHILD_SUBREAPER");
  start_and_reap<Report>(connection, argv, options);
}

} // namespace

void reaper::make_process(char* const* argv, const spawn_options& options, bool own_namespace) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    fail(errno, "socketpair(2)");
  connection_.reset(ends[0]);
  const unique_fd other(ends[1]);
  const pid_t parent = ::getpid();
  // A copy of this process, which goes on running beside it: nothing lighter would do.
  pid_ = ::fork();
  if (pid_ < 0) fail(errno, "fork(2)");
  if (pid_ != 0) {
    root_ = own_namespace ? -1 : pid_;
    return;
  }
  connection_.reset();
  run_in_child<report>(other.get(), [&] {
    if (!own_namespace)
      be_the_reaper<report>(other.get(), parent, argv, options);
    else if (follow_parent(parent))
      start_namespace<report>(other.get(), argv, options);
  });
}

spawn_result reaper::start(char* const* argv, spawn_options options, bool own_namespace) {
  if (own_namespace) {
    // The numbers from outside mean nothing inside: the command inherits the supervisor's group.
    if (options.group && *options.group != 0) options.group.reset();
  } else if (!options.group && !options.new_session) {
    options.group = ::getpgrp();
  }
  make_process(argv, options, own_namespace);
  return hear_of_start(own_namespace);
}

spawn_result reaper::hear_of_start(bool own_namespace) {
  spawn_result result;
  while (!result.process || root_ < 0) {
    report next{};
    unique_fd descriptor;
    constexpr int patience = 20; // milliseconds
    for (pollfd source{connection_.get(), POLLIN, 0}; ::poll(&source, 1, patience) == 0;)
      go_on_if_stopped();
    if (!packet<report>(next).receive(connection_.get(), descriptor))
      fail(ECHILD, "starting the process that reaps");
    switch (next.what) {
    case report::kind::is_root: root_ = next.pid; break;
    case report::kind::started: {
      if (!descriptor.has_value()) fail(EMFILE, "holding the command");
      const pid_t pid = root_ == pid_ ? next.pid : pid_of(descriptor);
      if (pid <= 0) fail(ESRCH, "finding the command's PID in /proc/self/fdinfo");
      result.process.emplace(pid, std::move(descriptor));
      break;
    }
    case report::kind::not_started:
      see_it_end();
      result.exec_error = next.error;
      return result;
    default:
      // Until PID 1 of a namespace is heard of, it is the namespace that there is none of.
      if (own_namespace && root_ < 0)
        fail(next.error, "unshare(2) of a PID namespace, with a user namespace where it takes one");
      fail(next.error, "starting the command in the process that reaps");
    }
  }
  say_go();
  watching_ = true;
  return result;
}

/// One that has ended says so when it is heard of next.
void reaper::say_go() {
  const char go = 1;
  if (sys::retry([&] { return ::send(connection_.get(), &go, 1, MSG_NOSIGNAL); }) < 0 &&
      errno != EPIPE && errno != ECONNRESET)
    fail(errno, "send(2) to the process that reaps");
}

/// Only the command and its like would stop it, and they are not to.
void reaper::go_on_if_stopped() const noexcept {
  siginfo_t stopped{};
  const auto pid = static_cast<id_t>(pid_);
  if (::waitid(P_PID, pid, &stopped, WSTOPPED | WNOHANG) == 0 && stopped.si_pid != 0)
    ::kill(pid_, SIGCONT);
}

void reaper::learn() {
  if (pid_ <= 0) return;
  go_on_if_stopped();
  report next{};
  for (;;) {
    const ssize_t size =
        sys::retry([&] { return ::recv(connection_.get(), &next, sizeof next, MSG_DONTWAIT); });
    if (size < 0 && errno == EAGAIN) return;
    if (size != sizeof next) {
      if (all_gone_) return;
      fail(ESRCH, "the process that reaps was killed");
    }
    if (next.what == report::kind::ended)
      command_ = exit_status::from_child_code(next.code, next.status);
    else if (next.what == report::kind::received)
      received_.push_back(next.info);
    else if (next.what == report::kind::stopped)
      stopped_by_ = signal_id(next.status);
    else if (next.what == report::kind::others_left)
      others_left_ = true;
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
