#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/types.h>
#include <time.h>

#include <cerrno>
#include <chrono>
#include <concepts>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sigkit/duration.hpp>
#include <sigkit/signal_id.hpp>
#include <sigkit/signal_set.hpp>
#include <sigkit/unique_fd.hpp>

#include "failure.hpp"

// The private system-call layer: what may be interrupted is repeated here, and errno is read
// here, at once. A function that returns int returns 0 or errno where its caller has to tell
// failures apart; the others throw.
namespace sigkit::sys {

/// Calls `f` again for as long as it fails with EINTR.
template <std::invocable F> auto retry(F f) {
  decltype(f()) result;
  do
    result = f();
  while (result == -1 && errno == EINTR);
  return result;
}

/// CLOCK_MONOTONIC, which time spent stopped counts in and setting the clock does not.
using clock = std::chrono::steady_clock;

/// `start` + `length`, and the end of time where that is past it.
clock::time_point after(clock::time_point start, duration length) noexcept;

timespec to_timespec(duration length) noexcept;

/// What /proc fails with where the process has ended (and a cgroup's files, where that is removed):
/// all else says nothing of it.
constexpr bool is_of_an_ended_process(int error) noexcept {
  return error == ENOENT || error == ESRCH;
}

/// What pidfd_open(2) fails with where the process has been reaped, or is only a thread: that
/// depends on the kernel, and on whether the number is still a group's.
constexpr bool is_of_no_process(int error) noexcept {
  return error == ESRCH || error == EINVAL || error == ENOENT;
}

/// An open file of /proc (or below `directory`); empty where it is not there or may not be opened.
/// Throws where this process or the system has no room for it: that tells nothing of the file.
unique_fd open_at(int directory, const char* path, int flags);

/// Reads all there is into `text`; false where reading fails (the process has ended). Throws where
/// there is no memory for it.
bool read_all(int descriptor, std::string& text);

/// How many descriptors each of those may keep who would like to keep many: a quarter of what this
/// process may have (RLIMIT_NOFILE of getrlimit(2)), but for some that all else needs.
std::size_t descriptor_budget() noexcept;

/// Lets this process have as many open files as it may give itself, at most 65536, for as long as
/// this lives. What is started meanwhile would have that limit too.
class raised_descriptor_limit {
public:
  raised_descriptor_limit() noexcept;
  raised_descriptor_limit(const raised_descriptor_limit&) = delete;
  raised_descriptor_limit& operator=(const raised_descriptor_limit&) = delete;
  ~raised_descriptor_limit();

private:
  rlimit before_{};
  bool raised_ = false;
};

/// The next entry of a directory of /proc, or of a cgroup; nothing at its end, and where the
/// process has ended. Throws where it cannot be read: what is there would go unseen.
const dirent* next_entry(DIR* stream);

/// The names of the directories in an open one, but for those that begin with a dot.
std::vector<std::string> directories_in(int directory);

/// A signalfd(2) of `set`, close-on-exec and non-blocking.
unique_fd make_signalfd(signal_set set);

/// Takes a pending signal of `set` as the kernel has it (sigtimedwait(3) changes SI_TKILL); false
/// where there is none.
bool take_signal(signal_set set, siginfo_t& received) noexcept;

/// ppoll(2) until something is ready or `deadline` is reached, whatever interrupts it.
void poll_until(std::span<pollfd> descriptors, clock::time_point deadline);

/// Writes all of `text`; 0 or errno. A descriptor that would block is waited for.
int write_all(int descriptor, std::string_view text) noexcept;

/// How a call that failed is named in a message: with the kernel that has it, where this one has
/// not.
std::string pidfd_open_named(int failed);
std::string pidfd_send_signal_named(int failed);

// Each returns 0 or errno.
int pidfd_open(pid_t pid, unique_fd& result, unsigned flags = 0) noexcept;
int pidfd_send_signal(int pidfd, signal_id signal, unsigned flags = 0) noexcept;
int pidfd_queue(int pidfd, signal_id signal, int value) noexcept;
/// What was queued to this process goes on with all that came with it, anything else as from here.
int pidfd_pass_on(int pidfd, const siginfo_t& received) noexcept;
int kill(pid_t pid, signal_id signal) noexcept;
// By number, for a child that has not been reaped: never to a group, or to all.
int kill_child(pid_t child, signal_id signal) noexcept;
int pass_on_to_child(pid_t child, const siginfo_t& received) noexcept;
int queue(pid_t pid, signal_id signal, int value) noexcept;
int tgkill(pid_t process, pid_t thread, signal_id signal) noexcept;

// Of Linux 6.9, and not in the headers of older systems.
inline constexpr unsigned pidfd_thread = O_EXCL;
inline constexpr unsigned pidfd_signal_process_group = 1U << 2;

} // namespace sigkit::sys
