#pragma once

#include <csignal>

#include <cstdint>
#include <optional>

#include <sigkit/handler.hpp>
#include <sigkit/signal_id.hpp>
#include <sigkit/signal_info.hpp>

// What happens in the context of a signal, and the other end of it: signals are noted by the one
// real signal handler of this library, and taken by the main thread.
namespace sigkit::notes {

/// The real signal handler. It touches lock-free atomics, writes once to each of two descriptors at
/// most, sends at most one signal to the main thread, and restores errno.
void on_signal(int number, siginfo_t* info, void* context) noexcept;

/// Makes room for the signal's notes, before its handler is installed. Throws std::bad_alloc.
void prepare(signal_id signal);

/// Whether anything was ever prepared.
bool in_use() noexcept;

/// Whether something is noted. It may turn out to be nothing.
bool any() noexcept;

/// The lowest signal with a note, and how many notes it has, from `first` on. Main thread only.
struct noted {
  signal_id signal;
  std::uint64_t count;
};
std::optional<noted> next(int first) noexcept;

/// Takes one note of the signal; nothing where it has none. What overflowed has its number alone.
/// Main thread only.
std::optional<siginfo_t> take(signal_id signal) noexcept;

/// Waits for the threads that are in the real handler now, so that all which was begun is noted,
/// and the descriptor that was set before is not written to any more.
void settle() noexcept;

/// In the child of fork(2): what the parent had noted is not the child's.
void forget_after_fork() noexcept;

/// The library's own descriptor, an eventfd(2) that lives as long as one wait of the main thread;
/// -1: none.
void set_own_descriptor(int descriptor) noexcept;

/// The user's descriptor; returns the one before. Full pipes are errors if `report_full`.
int set_user_descriptor(int descriptor, bool report_full) noexcept;

/// The last errno of a write to the user's descriptor, and 0 from then on.
int take_write_error() noexcept;

/// Between these two calls the main thread is in a system call of the user's, which is to fail with
/// EINTR when one of `unblocked` comes to another thread. The first returns, and the second takes,
/// what was in force before: such a call may be made within another one.
std::uint64_t begin_system_call(std::uint64_t unblocked) noexcept;
void end_system_call(std::uint64_t before) noexcept;

/// Waits, for a moment at most, until the signal that interrupts the main thread has come there.
/// Before a disposition is changed elsewhere, which would otherwise meet it.
void settle_interruption() noexcept;

std::uint64_t values_lost() noexcept;

} // namespace sigkit::notes
