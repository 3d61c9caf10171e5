#pragma once

#include <csignal>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <system_error>
#include <type_traits>
#include <utility>

#include <sigkit/error.hpp>
#include <sigkit/export.hpp>
#include <sigkit/signal_id.hpp>
#include <sigkit/signal_info.hpp>

// Handlers that may do anything: allocate, lock, throw. They never run inside a signal handler. The
// only function of this library that does notes the signal, and wakes the main thread if it has to;
// the handler is called in the main thread, at a safe point: dispatch(), pthread_sigmask(),
// set_handler(), and every call of the library that waits.
//
// A long computation delays handlers until its next safe point. Signals are no means of
// communication between threads: whichever thread got them, handlers run in the main one.

namespace sigkit {

/// What a process does with one signal, as a value that can be kept and put back: the default
/// action, nothing, a callable of this library's, or what somebody else installed.
///
/// Equal are handlers of one kind; callables only where one is a copy of the other.
/// Thread-safe: as any value. Async-signal-safe: no.
class handler {
public:
  /// Called with the signal and with what came with it.
  using callable = std::function<void(signal_id, const signal_info&)>;

  enum class kind : unsigned char {
    by_default, ///< SIG_DFL
    ignored,    ///< SIG_IGN
    callable,   ///< installed by this library
    foreign,    ///< a handler that was not; as a value it can be put back
  };

  /// The default action.
  handler() noexcept = default;

  /// Calls `called(signal, info)`. Not explicit, so that a lambda can be given as it is.
  /// What can only be moved is held once for all copies.
  template <class F>
  requires(!std::same_as<F, handler> && std::is_invocable_v<F&, signal_id, const signal_info&>)
      handler(F called)
      : kind_(kind::callable) {
    if constexpr (std::is_copy_constructible_v<F>) {
      callable made(std::move(called));
      if (made) function_ = std::make_shared<const callable>(std::move(made));
    } else {
      function_ = std::make_shared<const callable>(
          [held = std::make_shared<F>(std::move(called))](
              signal_id signal, const signal_info& info) { (*held)(signal, info); });
    }
  }

  /// Shares a callable with another handler.
  explicit handler(std::shared_ptr<const callable> shared) noexcept
      : kind_(kind::callable), function_(std::move(shared)) {}

  /// What sigaction(2) takes and returns: the default action, ignored, or foreign.
  explicit handler(const struct sigaction& action) noexcept : native_(action) {
    if (action.sa_handler == SIG_IGN)
      kind_ = kind::ignored;
    else if (action.sa_handler != SIG_DFL)
      kind_ = kind::foreign;
  }

  /// SIG_DFL.
  [[nodiscard]] static handler by_default() noexcept { return {}; }
  /// SIG_IGN.
  [[nodiscard]] static handler ignored() noexcept {
    struct sigaction action {};
    action.sa_handler = SIG_IGN;
    return handler(action);
  }

  /// Which of the four it is.
  [[nodiscard]] kind what() const noexcept { return kind_; }

  /// The callable; null for the other kinds, and where an empty std::function was given.
  [[nodiscard]] const std::shared_ptr<const callable>& function() const noexcept {
    return function_;
  }

  /// What sigaction(2) takes to put a handler back that is no callable.
  [[nodiscard]] const struct sigaction& native() const noexcept { return native_; }

  friend bool operator==(const handler& a, const handler& b) noexcept {
    return a.kind_ == b.kind_ && a.function_ == b.function_ &&
           a.native_.sa_handler == b.native_.sa_handler;
  }

private:
  kind kind_ = kind::by_default;
  std::shared_ptr<const callable> function_;
  struct sigaction native_ {};
};

/// Says that a handler of SEGV, BUS, FPE or ILL is meant for what kill(2) sends, and not for
/// faults.
struct asynchronous_only_t {};
inline constexpr asynchronous_only_t asynchronous_only{};

namespace detail {

/// One call of a handler that is due.
struct noted_call {
  std::shared_ptr<const handler::callable> function;
  signal_info info;
};

/// How far one dispatch() has come.
struct dispatch_pass {
  int signal = 0;         ///< the last one that was called
  std::uint64_t left = 0; ///< how often it still is, in this pass
};

SIGKIT_API bool take_call(noted_call& due, dispatch_pass& pass) noexcept;
SIGKIT_API handler set_handler(failure& why, signal_id signal, const handler& wanted,
                               bool asynchronous) noexcept;
SIGKIT_API handler get_handler(failure& why, signal_id signal) noexcept;
SIGKIT_API int set_wakeup_fd(failure& why, int descriptor, bool report_full) noexcept;
SIGKIT_API int take_wakeup_errno() noexcept;
SIGKIT_API void siginterrupt(failure& why, signal_id signal, bool interrupts) noexcept;

} // namespace detail

/// Whether the calling thread is the one that main() runs in (gettid(2) is getpid(2)); after
/// fork(2), the only one there is. Thread-safe and async-signal-safe.
[[nodiscard]] SIGKIT_API bool in_main_thread() noexcept;

/// The safe point: calls the handlers of all signals that have been noted, in the order of their
/// numbers, and returns how many calls that were. In another thread than the main one it does
/// nothing and returns 0.
///
/// Equal standard signals between two safe points are one call, with what came with the first.
/// Real-time signals are a call each, in the order in which they came; see values_lost().
/// A signal that comes again after its turn, be it from its own handler, is for the next pass.
/// So a pass ends; but where real-time signals come in faster than their calls are made, each one
/// is longer than the one before. What a handler throws comes out of here; the calls that are still
/// due stay due.
///
/// Takes some nanoseconds where there is nothing to do. Reentrant: a handler that waits has the
/// calls that are due made within its own, the rest of the queue of its own signal too, each in the
/// one before. Thread-safe: yes. Async-signal-safe: no.
inline std::size_t dispatch() {
  std::size_t calls = 0;
  detail::dispatch_pass pass;
  for (detail::noted_call due; detail::take_call(due, pass); ++calls)
    (*due.function)(due.info.signal, due.info);
  return calls;
}

/// Sets what this process does with `signal` and returns what it did before (sigaction(2)).
///
/// It stays until it is set again. System calls that a handler interrupts fail with EINTR; see
/// siginterrupt() and retry(). A safe point: what was noted before is called before the change.
/// What comes while the change is made is met by the new handler: should that be none of this
/// library, the signal is sent again. Where a handler throws before the change, there is none, and
/// nothing has been refused yet.
///
/// Only in the main thread: EPERM elsewhere. EINVAL for signals that are not
/// signal_id::is_changeable(), for an empty function, and for SEGV, BUS, FPE, ILL: a handler that
/// is called later could never return to what has failed, so that the fault would come for ever.
/// After fork(2) the child has the handlers, and none of the calls that were due in the parent.
/// Throws sigkit::error. Thread-safe: no (main thread). Async-signal-safe: no.
inline handler set_handler(signal_id signal, const handler& wanted) {
  dispatch();
  return detail::call(detail::set_handler, signal, wanted, false);
}

/// The same, for SEGV, BUS, FPE and ILL too: `wanted` is called for what kill(2) and its like send.
/// A real fault takes the default action. For other signals it makes no difference. Errors and
/// safety as above.
inline handler set_handler(signal_id signal, const handler& wanted, asynchronous_only_t /*tag*/) {
  dispatch();
  return detail::call(detail::set_handler, signal, wanted, true);
}

/// What this process does with `signal` now (sigaction(2)); handler::kind::foreign where it has a
/// handler that this library did not install. KILL and STOP are at their default action.
/// Throws sigkit::error (EINVAL) for 0, 32, 33 and numbers out of range.
/// Thread-safe: yes. Async-signal-safe: no.
[[nodiscard]] inline handler get_handler(signal_id signal) {
  return detail::call(detail::get_handler, signal);
}

/// A handler for as long as it lives; then what was there before is put back. Made and destroyed in
/// the main thread; siginterrupt() is as before then, too. The end is no safe point: what has been
/// noted and not called is met by what is put back, as a signal that came after it. Errors as
/// set_handler(). Thread-safe: no (main thread). Async-signal-safe: no.
class scoped_handler {
public:
  scoped_handler(signal_id signal, const handler& wanted)
      : signal_(signal), restarts_(restarts(signal)), previous_(set_handler(signal, wanted)) {}
  scoped_handler(signal_id signal, const handler& wanted, asynchronous_only_t tag)
      : signal_(signal), restarts_(restarts(signal)), previous_(set_handler(signal, wanted, tag)) {}
  scoped_handler(const scoped_handler&) = delete;
  scoped_handler& operator=(const scoped_handler&) = delete;
  ~scoped_handler() {
    detail::failure ignored;
    detail::set_handler(ignored, signal_, previous_, true);
    if (restarts_) detail::siginterrupt(ignored, signal_, false);
  }

  /// What was there before and will be again.
  [[nodiscard]] const handler& previous() const noexcept { return previous_; }

private:
  [[nodiscard]] static bool restarts(signal_id signal) noexcept {
    struct sigaction action {};
    return ::sigaction(signal.number(), nullptr, &action) == 0 &&
           (action.sa_flags & SA_RESTART) != 0;
  }

  signal_id signal_;
  bool restarts_;
  handler previous_;
};

/// How many calls of handlers of real-time signals were made, or are due, without the value, the
/// sender and the rest of what had come: more than 1024 of one signal were waiting for a safe
/// point. No call is lost. Counts from the start of the process. Thread-safe and async-signal-safe.
[[nodiscard]] SIGKIT_API std::uint64_t values_lost() noexcept;

/// Has one byte, the number, written to `descriptor` for each signal that has a callable, at once
/// and in whatever thread: for a program that waits in a poll(2) or select(2) of its own. It reads
/// the bytes away and calls dispatch(). -1: none. Returns the one before, or -1.
///
/// What is written is no count: the pipe may be full, and the calls are made all the same. A write
/// that fails is told by take_wakeup_error(); a full pipe too, unless `report_full` is false. A
/// socket or pipe whose other end is closed raises no SIGPIPE. The descriptor stays the caller's,
/// and a child of fork(2) shares it: set another one there.
/// Throws sigkit::error: EPERM outside the main thread, EBADF for what is no open descriptor,
/// EINVAL for one that blocks (O_NONBLOCK of fcntl(2) is not set).
/// Thread-safe: no (main thread). Async-signal-safe: no.
inline int set_wakeup_fd(int descriptor, bool report_full = true) {
  return detail::call(detail::set_wakeup_fd, descriptor, report_full);
}

/// Why the last write to the wake-up descriptor that failed did so; no error where none has failed
/// since this was asked before. EAGAIN: it was full. Thread-safe and async-signal-safe.
[[nodiscard]] inline std::error_code take_wakeup_error() noexcept {
  return {detail::take_wakeup_errno(), std::system_category()};
}

/// Whether `signal` interrupts system calls, so that they fail with EINTR, or lets them go on
/// (SA_RESTART of sigaction(2), as siginterrupt(3)). set_handler() sets it to true again. With
/// false handlers are called after the system call, however long that takes; the waiting calls of
/// this library are the same with both. Throws sigkit::error (EINVAL) for signals that are not
/// signal_id::is_changeable(). Thread-safe: as long as nobody else sets the disposition.
/// Async-signal-safe: no.
inline void siginterrupt(signal_id signal, bool interrupts) {
  detail::call(detail::siginterrupt, signal, interrupts);
}

/// What the handler of SIGINT throws after install_defaults(). As in Python it is no kind of
/// std::exception, so that code which deals with errors does not take it for one.
/// Thread-safe and async-signal-safe as any value.
class keyboard_interrupt {
public:
  explicit keyboard_interrupt(const signal_info& info) noexcept : info_(info) {}
  /// Who interrupted.
  [[nodiscard]] const signal_info& info() const noexcept { return info_; }

private:
  signal_info info_;
};

/// The two defaults that Python starts with: SIGPIPE is ignored, so that writing to a closed pipe
/// is an error (EPIPE) and not the end; SIGINT throws keyboard_interrupt out of the next safe
/// point, unless it is ignored or handled already, as in a job in the background. Programs that are
/// executed inherit what is ignored: see spawn_options::reset. Errors and safety as set_handler().
inline void install_defaults() {
  set_handler(sigpipe, handler::ignored());
  if (get_handler(sigint) != handler::by_default()) return;
  set_handler(sigint, [](signal_id, const signal_info& info) { throw keyboard_interrupt(info); });
}

} // namespace sigkit
