#include <sigkit/handler.hpp>

#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <optional>
#include <string>

#include <sigkit/mask.hpp>
#include <sigkit/retry.hpp>
#include <sigkit/signal_set.hpp>

#include "failure.hpp"
#include "notes.hpp"

namespace sigkit {

namespace {

using callable_pointer = std::shared_ptr<const handler::callable>;

/// The callables by signal. Written by the main thread, read by any. While the mutex is held
/// signals are blocked: a handler of somebody else may fork, which takes it too.
struct callable_table {
  std::mutex mutex;
  std::array<callable_pointer, signal_id::highest + 1> by_number;
  std::uint64_t mask_before_fork = 0;
};

/// Never destroyed: threads may outlive main().
callable_table& table() {
  static callable_table& only = *new callable_table;
  return only;
}

callable_pointer callable_of(signal_id signal) {
  callable_table& all = table();
  const scoped_mask blocked(mask_change::block, signal_set::all());
  const std::lock_guard lock(all.mutex);
  return all.by_number[static_cast<std::size_t>(signal.number())];
}

void set_callable(signal_id signal, callable_pointer function) {
  callable_table& all = table();
  const scoped_mask blocked(mask_change::block, signal_set::all());
  const std::lock_guard lock(all.mutex);
  all.by_number[static_cast<std::size_t>(signal.number())].swap(function);
}

// fork(2): no signal comes to the child between being made and being told from its parent.

void before_fork() {
  const signal_set before = detail::change_mask(mask_change::block, signal_set::all());
  table().mutex.lock();
  table().mask_before_fork = before.mask();
}

void after_fork() {
  const auto before = signal_set::from_mask(table().mask_before_fork);
  table().mutex.unlock();
  detail::change_mask(mask_change::set, before);
}

void in_forked_child() {
  notes::forget_after_fork();
  after_fork();
}

/// When the library is loaded: what a program registers later runs outside of our lock, and so may
/// use the library, or take locks of its own under which it is used.
const int fork_watch_error = ::pthread_atfork(&before_fork, &after_fork, &in_forked_child);

std::string tried(const char* what, signal_id signal) {
  return std::string(what) + " of signal " + signal.name();
}

bool is_ours(const struct sigaction& action) noexcept {
  return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == &notes::on_signal;
}

/// The real handler, for every signal: all others are blocked in it, 32 and 33 too, so that a
/// thread that is being cancelled leaves it first.
struct sigaction our_action() noexcept {
  struct sigaction action;
  std::memset(&action, 0, sizeof action);
  std::memset(&action.sa_mask, 0xff, sizeof action.sa_mask);
  action.sa_sigaction = &notes::on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  return action;
}

struct sigaction get_action(signal_id signal, const char* what) {
  struct sigaction action {};
  if (::sigaction(signal.number(), nullptr, &action) != 0) fail(errno, tried(what, signal));
  return action;
}

handler to_handler(const struct sigaction& action, const callable_pointer& function) {
  return is_ours(action) && function != nullptr ? handler(function) : handler(action);
}

void require_changeable(signal_id signal, const char* what) {
  if (signal.is_changeable()) return;
  const char* const reason = signal == sigkill || signal == sigstop ? ", which nobody can change"
                             : signal.is_reserved()                 ? ", which is the C library's"
                                                                    : ", which is none";
  fail(EINVAL, tried(what, signal) + reason);
}

void require_main_thread(const std::string& operation) {
  if (!in_main_thread()) fail(EPERM, operation + " outside the main thread");
}

void check(signal_id signal, const handler& wanted, bool asynchronous) {
  require_main_thread(tried("set_handler", signal));
  require_changeable(signal, "set_handler");
  if (wanted.what() != handler::kind::callable) return;
  if (wanted.function() == nullptr)
    fail(EINVAL, tried("set_handler", signal) + ", with an empty function");
  if (!asynchronous && signal_set{sigsegv, sigbus, sigfpe, sigill}.contains(signal))
    fail(EINVAL, tried("set_handler", signal) +
                     ", which comes from an instruction that would fail again before a handler is"
                     " called (asynchronous_only: for what kill(2) sends)");
}

/// A signal that was noted for a handler which is none of ours any more: it comes again, and meets
/// what is there now. Where that is the real handler, which somebody has put back by sigaction(2),
/// there is nothing that could be called.
void send_again(const siginfo_t& info) noexcept {
  struct sigaction action {};
  if (::sigaction(info.si_signo, nullptr, &action) != 0 || is_ours(action)) return;
  ::syscall(SYS_rt_sigqueueinfo, ::getpid(), info.si_signo, &info);
}

void send_rest_again(signal_id signal) noexcept {
  notes::settle();
  while (const std::optional<siginfo_t> info = notes::take(signal))
    send_again(*info);
}

handler replace(signal_id signal, const handler& wanted, bool asynchronous) {
  check(signal, wanted, asynchronous);
  const callable_pointer previous = callable_of(signal);
  const bool is_callable = wanted.what() == handler::kind::callable;
  if (is_callable) {
    if (fork_watch_error != 0) fail(fork_watch_error, "pthread_atfork(3)");
    notes::prepare(signal);
    set_callable(signal, wanted.function()); // there before the first signal is
  }
  const struct sigaction action = is_callable ? our_action() : wanted.native();
  struct sigaction before {};
  if (::sigaction(signal.number(), &action, &before) != 0)
    fail(errno, tried("sigaction(2)", signal));
  if (!is_callable) {
    set_callable(signal, nullptr);
    send_rest_again(signal);
  }
  return to_handler(before, previous);
}

} // namespace

bool in_main_thread() noexcept {
  return ::gettid() == ::getpid();
}

handler detail::set_handler(failure& why, signal_id signal, const handler& wanted,
                            bool asynchronous) noexcept {
  return at_border(why, [&] { return replace(signal, wanted, asynchronous); });
}

handler detail::get_handler(failure& why, signal_id signal) noexcept {
  return at_border(why, [&] {
    if (signal != sigkill && signal != sigstop) require_changeable(signal, "get_handler");
    const struct sigaction action = get_action(signal, "get_handler");
    return to_handler(action, is_ours(action) ? callable_of(signal) : nullptr);
  });
}

bool detail::take_call(noted_call& due, dispatch_pass& pass) noexcept {
  if (!notes::any() || !in_main_thread()) return false;
  for (;;) {
    if (pass.left == 0) {
      const std::optional<notes::noted> found = notes::next(pass.signal + 1);
      if (!found) return false;
      pass.signal = found->signal.number();
      pass.left = found->count;
    }
    --pass.left;
    const std::optional<siginfo_t> info = notes::take(signal_id(pass.signal));
    if (!info) {
      pass.left = 0; // a handler has waited, and so called the rest itself
      continue;
    }
    due.function = callable_of(signal_id(pass.signal));
    due.info = signal_info::from(*info);
    if (due.function) return true;
    send_again(*info);
  }
}

std::uint64_t values_lost() noexcept {
  return notes::values_lost();
}

int detail::set_wakeup_fd(failure& why, int descriptor, bool report_full) noexcept {
  return at_border(why, [&] {
    const std::string operation = "set_wakeup_fd of descriptor " + std::to_string(descriptor);
    require_main_thread(operation);
    if (descriptor != -1) {
      const int flags = ::fcntl(descriptor, F_GETFL);
      if (flags < 0) fail(errno, operation);
      if ((flags & O_NONBLOCK) == 0) fail(EINVAL, operation + ", which blocks");
    }
    return notes::set_user_descriptor(descriptor, report_full);
  });
}

int detail::take_wakeup_errno() noexcept {
  return notes::take_write_error();
}

void detail::siginterrupt(failure& why, signal_id signal, bool interrupts) noexcept {
  at_border(why, [&] {
    require_changeable(signal, "siginterrupt");
    struct sigaction action = get_action(signal, "siginterrupt");
    if (handler(action).what() != handler::kind::foreign)
      return; // setting it would discard signals
    if (interrupts)
      action.sa_flags &= ~SA_RESTART;
    else
      action.sa_flags |= SA_RESTART;
    if (::sigaction(signal.number(), &action, nullptr) != 0)
      fail(errno, tried("siginterrupt", signal));
  });
}

bool detail::enter_system_call(std::uint64_t& before) noexcept {
  before = 0;
  if (!notes::in_use() || !in_main_thread()) return true;
  const signal_set unblocked = signal_set::all() - change_mask(mask_change::block, {});
  before = notes::begin_system_call(unblocked.mask());
  return !notes::any();
}

void detail::leave_system_call(std::uint64_t before) noexcept {
  const int saved_errno = errno;
  if (notes::in_use() && in_main_thread()) notes::end_system_call(before);
  errno = saved_errno;
}

} // namespace sigkit
