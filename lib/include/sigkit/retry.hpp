#pragma once

#include <cerrno>
#include <concepts>
#include <cstdint>

#include <sigkit/export.hpp>
#include <sigkit/handler.hpp>

namespace sigkit {

namespace detail {

SIGKIT_API bool enter_system_call(std::uint64_t& before) noexcept;
SIGKIT_API void leave_system_call(std::uint64_t before) noexcept;

/// While it lives, a signal that comes in another thread interrupts the main one too.
class system_call {
public:
  system_call() noexcept : entered_(enter_system_call(before_)) {}
  system_call(const system_call&) = delete;
  system_call& operator=(const system_call&) = delete;
  ~system_call() { leave_system_call(before_); }

  /// False where a handler is to be called first.
  [[nodiscard]] bool entered() const noexcept { return entered_; }

private:
  std::uint64_t before_ = 0;
  bool entered_;
};

} // namespace detail

/// Makes a system call that signals interrupt: calls the handlers that are due, then `f()`, and
/// both again for as long as it returns -1 with errno EINTR (PEP 475). Returns what `f` returned
/// last, an integer, with its errno.
///
///     const int fd = sigkit::retry([&] { return ::open(path, O_RDONLY); });
///
/// What handlers throw comes out of here: that is the way to end a call that hangs. Handlers that
/// become due while `f` succeeds are left to the next safe point, so that its result is not lost. A
/// call with a time limit begins anew with all of it: compute what is left inside `f`.
///
/// A signal that comes after the handlers were looked for and before the kernel has begun the call
/// does not interrupt it: its handler is called at the next safe point, after the call. Where that
/// can hang, repeat the alarm (setitimer() with an interval), or wait with one of the library's own
/// calls, which have no such gap. What another thread got does not interrupt it where the main
/// thread blocks that signal, nor, a real-time one, where the queue of the user is full
/// (RLIMIT_SIGPENDING). `f` changes neither masks nor dispositions.
///
/// In another thread than the main one it repeats `f`, and no handlers are called.
/// Throws what `f` and the handlers throw. Thread-safe: yes. Async-signal-safe: no.
template <std::invocable F> auto retry(F f) {
  for (bool first = true;; first = false) {
    dispatch();
    const detail::system_call now;
    // Once: handlers that are due all the time must not keep it from being made.
    if (first && !now.entered()) continue;
    const auto result = f();
    if (result != -1 || errno != EINTR) return result;
  }
}

} // namespace sigkit
