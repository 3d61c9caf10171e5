#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <sigkit/duration.hpp>
#include <sigkit/error.hpp>
#include <sigkit/export.hpp>
#include <sigkit/signal_id.hpp>
#include <sigkit/unique_fd.hpp>
#include <sigkit/wait.hpp>

namespace sigkit {

class cgroup;

namespace detail {
SIGKIT_API std::optional<cgroup> cgroup_of(failure& why, pid_t pid) noexcept;
SIGKIT_API std::optional<cgroup> cgroup_open(failure& why, const std::string& path) noexcept;
SIGKIT_API std::optional<cgroup> cgroup_make(failure& why, const cgroup& parent,
                                             const std::string& name) noexcept;
SIGKIT_API void cgroup_add(failure& why, const cgroup& to, pid_t pid) noexcept;
SIGKIT_API std::vector<pid_t> cgroup_members(failure& why, const cgroup& whose) noexcept;
SIGKIT_API bool cgroup_is_empty(failure& why, const cgroup& which) noexcept;
SIGKIT_API wait_end cgroup_wait(failure& why, const cgroup& which, const char* state,
                                deadline until) noexcept;
SIGKIT_API void cgroup_write(failure& why, const cgroup& which, const char* file,
                             const char* text) noexcept;
SIGKIT_API std::size_t cgroup_send(failure& why, const cgroup& which, signal_id signal) noexcept;
SIGKIT_API void cgroup_remove(failure& why, const cgroup& which) noexcept;
} // namespace detail

/// One control group of version 2 (cgroups(7)), held: an open directory below the mount of cgroup2.
///
/// No process leaves a cgroup by forking, by a new session or by losing its parent; only by being
/// moved, which takes the right to write there. A directory is removed by remove(), not by the
/// destructor. Needs /proc to find the mount; where there is only version 1, there is none of
/// these. Every function throws sigkit::error where the system refuses (EACCES and EPERM: not
/// delegated to this user; ENOENT or ENODEV: it was removed, or is the root, which lacks some
/// files). Thread-safe: const functions. Async-signal-safe: no.
class cgroup {
public:
  /// The one that the process is in; nothing where there is no such process, or no cgroup2.
  static std::optional<cgroup> of(pid_t pid);

  /// The one with this directory; nothing where it is not there or not below a cgroup2 mount
  /// (fstatfs(2)).
  static std::optional<cgroup> open(const std::string& path);

  /// Takes over an open directory.
  cgroup(std::string path, unique_fd directory) noexcept
      : path_(std::move(path)), directory_(std::move(directory)) {}

  /// A new one below this one (mkdir(2)). `name` has no slash. EEXIST where it is there already.
  [[nodiscard]] cgroup make(const std::string& name) const {
    return std::move(*detail::call(detail::cgroup_make, *this, name));
  }

  /// The directory, as it was when this was opened.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// The open directory, still owned here.
  [[nodiscard]] int descriptor() const noexcept { return directory_.get(); }

  /// Moves the process and all its threads here (cgroup.procs); what it forks from now on is here
  /// too. ESRCH: no such process.
  void add(pid_t pid) const { detail::call(detail::cgroup_add, *this, pid); }

  /// The processes in it and in all below it (cgroup.procs), at one moment; 0 for those that are
  /// outside this PID namespace.
  [[nodiscard]] std::vector<pid_t> members() const {
    return detail::call(detail::cgroup_members, *this);
  }

  /// Whether no process is in it or below it (cgroup.events). One that is not reaped is not there
  /// any more.
  [[nodiscard]] bool is_empty() const { return detail::call(detail::cgroup_is_empty, *this); }

  /// Waits until it is, for `timeout` at most (poll(2) of cgroup.events); false where it is not.
  /// Handlers are called meanwhile. EINVAL: a negative timeout.
  [[nodiscard]] bool wait_until_empty(duration timeout) const {
    return wait_for("populated 0",
                    detail::call(detail::deadline_of, "a wait for a cgroup", timeout));
  }

  /// Stops everything in it and below (cgroup.freeze), and waits until it stands still, for
  /// `timeout` at most; false where it does not yet. what ends a process, by its
  /// default action or KILL, ends what is frozen; the rest is acted on when it is thawed. Handlers
  /// are called meanwhile; it stays frozen where one throws, or time is up. EINVAL: a negative
  /// timeout. Needs Linux 5.2.
  [[nodiscard]] bool freeze(duration timeout) const {
    const auto until = detail::call(detail::deadline_of, "a wait for a cgroup", timeout);
    detail::call(detail::cgroup_write, *this, "cgroup.freeze", "1");
    return wait_for("frozen 1", until);
  }
  /// Lets it go on.
  void thaw() const { detail::call(detail::cgroup_write, *this, "cgroup.freeze", "0"); }

  /// Sends KILL to everything in it and below, at once, so that nothing forks away (cgroup.kill).
  /// Needs Linux 5.14 (ENOENT before).
  void kill() const { detail::call(detail::cgroup_write, *this, "cgroup.kill", "1"); }

  /// Sends `signal` to all members, each held by a pidfd, and returns how many took it. Before a
  /// signal that terminates, it is frozen (for 1 s at most) and thawed afterwards, unless it was
  /// frozen before. KILL is kill(). Members that belong to another user, or end meanwhile, are
  /// passed over. The caller must not be in it. EINVAL: no such signal.
  std::size_t send(signal_id signal) const {
    return detail::call(detail::cgroup_send, *this, signal);
  }

  /// Removes the directory (rmdir(2)). ENOENT: it is gone, or another has its name now. EBUSY:
  /// there are processes in it, or cgroups below it.
  void remove() const { detail::call(detail::cgroup_remove, *this); }

private:
  [[nodiscard]] bool wait_for(const char* state, detail::deadline until) const {
    return detail::wait_in_steps(
        [&] { return detail::call(detail::cgroup_wait, *this, state, until); });
  }

  std::string path_;
  unique_fd directory_;
};

inline std::optional<cgroup> cgroup::of(pid_t pid) {
  return detail::call(detail::cgroup_of, pid);
}

inline std::optional<cgroup> cgroup::open(const std::string& path) {
  return detail::call(detail::cgroup_open, path);
}

} // namespace sigkit
