#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <cerrno>
#include <concepts>

#include <sigkit/error.hpp>
#include <sigkit/export.hpp>
#include <sigkit/pidfd.hpp>
#include <sigkit/signal_id.hpp>

namespace sigkit {

namespace detail {
SIGKIT_API delivery send(failure& why, pid_t pid, signal_id signal) noexcept;
SIGKIT_API delivery send_group(failure& why, pid_t group, signal_id signal) noexcept;
SIGKIT_API delivery send_all(failure& why, signal_id signal) noexcept;
SIGKIT_API delivery send_thread(failure& why, pid_t process, pid_t thread,
                                signal_id signal) noexcept;
SIGKIT_API delivery queue(failure& why, pid_t pid, signal_id signal, int value) noexcept;
SIGKIT_API void pthread_kill(failure& why, pthread_t thread, signal_id signal) noexcept;
} // namespace detail

/// Sends `signal` to the process that has `pid` at this moment (kill(2)). Where the PID may have
/// been recycled since it was learnt, hold a pidfd instead. `pid` must be above 0. `gone`: nobody
/// has the PID; `not_permitted`: another user's. Throws sigkit::error (EINVAL: no such signal or
/// PID). Thread-safe: yes. Async-signal-safe: no.
inline delivery send(pid_t pid, signal_id signal) {
  return detail::call(detail::send, pid, signal);
}

/// Sends `signal` to every member of the process group `group` that the caller may signal, in one
/// call that no fork can slip through (kill(2) of -group); 0 means the caller's own group.
/// `not_permitted` where none of them may be signalled, `gone` where there is no such group.
/// Errors and safety as send(). A group of 1 is refused: for kill(2) that is every process.
inline delivery send_group(pid_t group, signal_id signal) {
  return detail::call(detail::send_group, group, signal);
}

/// Sends `signal` to every process that the caller may signal, but PID 1 and itself (kill(2) of
/// -1). Errors and safety as send().
inline delivery send_all(signal_id signal) {
  return detail::call(detail::send_all, signal);
}

/// Sends `signal` with a value that the receiver finds in signal_info::value, to the process that
/// has `pid` (sigqueue(3)). Real-time signals queue up, each with its value; of equal standard ones
/// that are pending the first counts. `pid` must be above 0. 0 only checks. Throws sigkit::error
/// (EINVAL: no such signal or PID; EAGAIN: the receiver has as many waiting as RLIMIT_SIGPENDING of
/// getrlimit(2) allows). Thread-safe: yes. Async-signal-safe: no.
inline delivery queue(pid_t pid, signal_id signal, int value) {
  return detail::call(detail::queue, pid, signal, value);
}

/// Sends `signal` to one thread of a process (tgkill(2)): of those that may handle it, this one
/// does. What a signal does, ending or stopping, it does to the whole process. `thread` is a thread
/// ID as gettid(2) gives it; the process is named so that a recycled one elsewhere is not hit. Both
/// must be above 0. `gone`: the process has no such thread. Throws sigkit::error (EINVAL: no such
/// signal or ID). Thread-safe: yes. Async-signal-safe: no.
inline delivery send_thread(pid_t process, pid_t thread, signal_id signal) {
  return detail::call(detail::send_thread, process, thread, signal);
}

/// Sends `signal` to a thread of this process (pthread_kill(3)); 0 only checks. A handler is called
/// in the main thread all the same: what this does is to interrupt a system call of `thread`.
/// A thread that has ended and was not joined is an error (ESRCH). One that was joined, or detached
/// and has ended, has no pthread_t any more: using it is undefined, as with all of pthreads; the
/// function for std::thread below can tell, and so can send_thread().
/// Throws sigkit::error (ESRCH; EINVAL: no such signal). Thread-safe: yes. Async-signal-safe: no.
inline void pthread_kill(pthread_t thread, signal_id signal) {
  detail::call(detail::pthread_kill, thread, signal);
}

/// The same for a std::thread or std::jthread: one that was joined or detached is an error (ESRCH).
/// Thread-safe: as long as nobody joins it meanwhile. Async-signal-safe: no.
template <class Thread>
requires requires(Thread& thread) {
  { thread.joinable() } -> std::same_as<bool>;
  { thread.native_handle() } -> std::convertible_to<pthread_t>;
}
void pthread_kill(Thread& thread, signal_id signal) {
  if (!thread.joinable())
    throw error(ESRCH,
                "pthread_kill(3) of " + signal.name() + " to a thread that was joined or detached");
  pthread_kill(thread.native_handle(), signal);
}

} // namespace sigkit
