#include "notes.hpp"

#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>

namespace sigkit::notes {

namespace {

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);
static_assert(std::atomic<int>::is_always_lock_free);

/// Lets others run until the condition holds. It does soon: whoever is waited for is in the middle
/// of a signal handler. The pauses are for real-time schedules, where yielding may not be enough.
template <class Condition> void wait_for(Condition holds) noexcept {
  for (int tries = 0; !holds(); ++tries) {
    constexpr timespec moment{0, 50'000};
    if (tries < 100)
      ::sched_yield();
    else
      ::nanosleep(&moment, nullptr);
  }
}

std::atomic<std::uint64_t> lost; ///< calls without what came with them

/// The note of a standard signal: the first one counts.
class slot {
public:
  void put(const siginfo_t& info) noexcept {
    state expected = state::empty;
    if (!state_.compare_exchange_strong(expected, state::in_use)) return;
    info_ = info;
    state_.store(state::full);
  }

  /// Whether there is one. Another thread that has begun to note it is waited for.
  bool full() const noexcept {
    wait_for([&] { return state_.load() != state::in_use; });
    return state_.load() == state::full;
  }

  /// What comes until this is done is part of the call that is made next.
  std::optional<siginfo_t> take() noexcept {
    if (!full()) return std::nullopt;
    const siginfo_t info = info_;
    state_.store(state::empty);
    return info;
  }

  void clear() noexcept { state_.store(state::empty); }

private:
  enum class state : std::uint32_t { empty, in_use, full };
  std::atomic<state> state_{state::empty};
  siginfo_t info_{};
};

/// The notes of a real-time signal, in the order in which they came. Any thread puts, in a signal
/// handler or not; the main thread alone takes. What does not fit is counted.
class ring {
public:
  /// Where there is no room the call alone is kept.
  void put(const siginfo_t& info) noexcept {
    std::uint64_t position = end_.load();
    for (;;) {
      cell& at = cells_[position % capacity];
      const std::uint64_t turn = at.turn.load();
      if (turn < free_turn(position)) { // not taken since the last time round
        lost.fetch_add(1);
        overflow_.fetch_add(1);
        return;
      }
      if (turn > free_turn(position))
        position = end_.load(); // another thread was faster
      else if (end_.compare_exchange_weak(position, position + 1)) {
        at.info = info;
        at.turn.store(free_turn(position) + 1);
        return;
      }
    }
  }

  [[nodiscard]] std::uint64_t size() const noexcept {
    return end_.load() - begin_ + overflow_.load();
  }

  std::optional<siginfo_t> take(signal_id signal) noexcept {
    if (begin_ == end_.load()) return take_overflow(signal);
    cell& at = cells_[begin_ % capacity];
    wait_for([&] { return at.turn.load() == free_turn(begin_) + 1; });
    const siginfo_t info = at.info;
    at.turn.store(free_turn(begin_) + 2);
    ++begin_;
    return info;
  }

  void clear() noexcept {
    for (const std::uint64_t end = end_.load(); begin_ != end; ++begin_)
      cells_[begin_ % capacity].turn.store(free_turn(begin_) + 2);
    overflow_.store(0);
  }

private:
  static constexpr std::uint64_t capacity = 1024;

  struct cell {
    std::atomic<std::uint64_t> turn{0};
    siginfo_t info{};
  };

  /// A cell goes through two turns each time round: free, and holding a note.
  static constexpr std::uint64_t free_turn(std::uint64_t position) noexcept {
    return position / capacity * 2;
  }

  std::optional<siginfo_t> take_overflow(signal_id signal) noexcept {
    if (overflow_.load() == 0) return std::nullopt;
    overflow_.fetch_sub(1);
    siginfo_t info;
    std::memset(&info, 0, sizeof info);
    info.si_signo = signal.number();
    return info;
  }

  std::array<cell, capacity> cells_;
  std::atomic<std::uint64_t> end_{0};
  std::atomic<std::uint64_t> overflow_{0};
  std::uint64_t begin_ = 0;
};

constexpr std::size_t first_real_time = 32;

std::array<slot, first_real_time> slots;
/// Never freed: a signal may be on its way.
std::array<std::atomic<ring*>, signal_id::highest + 1> rings;
std::atomic<std::uint64_t> marks; ///< bit n-1: signal n has a note
std::atomic<bool> prepared;

// Which threads are in the real handler: counted in two rooms by turns, so that who waits for one
// to be empty does not wait for those that come meanwhile.
std::array<std::atomic<int>, 2> threads_inside;
std::atomic<unsigned> room;
std::atomic<int> own_descriptor{-1};
std::atomic<int> user_descriptor{-1};
std::atomic<bool> report_full_pipe{true};
std::atomic<int> write_error;

std::atomic<std::uint64_t> interruptible; ///< bit n-1: signal n ends the main thread's system call
std::atomic<bool> interruption_sent;
const char interruption_mark = 0; ///< its address tells our own signals to the main thread

constexpr std::uint64_t bit(int number) noexcept {
  return std::uint64_t{1} << (number - 1);
}

bool is_interruption(const siginfo_t& info) noexcept {
  return info.si_code == SI_QUEUE && info.si_value.sival_ptr == &interruption_mark;
}

/// An instruction failed: the kernel says so by a code above 0. What is executed again fails again,
/// but a memory error that nobody has run into yet does not.
bool is_fault(int number, const siginfo_t& info) noexcept {
  const bool can_be = number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL;
  return can_be && info.si_code > 0 && !(number == SIGBUS && info.si_code == BUS_MCEERR_AO);
}

/// The default action, when the handler has returned to where it happened: there it fails again. In
/// the main thread the signal is sent besides, which the kernel lets no other thread do.
void die_of(int number, siginfo_t& info) noexcept {
  struct sigaction action;
  std::memset(&action, 0, sizeof action);
  action.sa_handler = SIG_DFL;
  ::sigaction(number, &action, nullptr);
  ::syscall(SYS_rt_tgsigqueueinfo, ::getpid(), ::gettid(), number, &info);
}

void put(int number, const siginfo_t& info) noexcept {
  const auto index = static_cast<std::size_t>(number);
  if (index < first_real_time)
    slots[index].put(info);
  else if (ring* const queue = rings[index].load())
    queue->put(info);
  marks.fetch_or(bit(number));
}

// syscall(2) below is no cancellation point, as write(2) is: a thread that is being cancelled must
// not leave the real handler half way.

void wake_own() noexcept {
  const int descriptor = own_descriptor.load();
  if (descriptor < 0) return;
  const std::uint64_t one = 1;
  ::syscall(SYS_write, descriptor, &one, sizeof one);
}

/// SIGPIPE of a broken pipe is meant for the thread that writes, and is pending since all signals
/// are blocked here: it is taken back, unless there was one before.
class without_sigpipe {
public:
  without_sigpipe() noexcept { ::syscall(SYS_rt_sigpending, &before_, sizeof before_); }
  without_sigpipe(const without_sigpipe&) = delete;
  without_sigpipe& operator=(const without_sigpipe&) = delete;
  ~without_sigpipe() = default;

  void take_back() const noexcept {
    const std::uint64_t set = bit(SIGPIPE);
    const timespec at_once{};
    if ((before_ & set) == 0) ::syscall(SYS_rt_sigtimedwait, &set, nullptr, &at_once, sizeof set);
  }

private:
  std::uint64_t before_ = 0;
};

void wake_user(int number) noexcept {
  const int descriptor = user_descriptor.load();
  if (descriptor < 0) return;
  const without_sigpipe guard;
  const auto byte = static_cast<unsigned char>(number);
  if (::syscall(SYS_write, descriptor, &byte, sizeof byte) >= 0) return;
  const int failed = errno;
  if (failed == EPIPE) guard.take_back();
  if (failed != EAGAIN || report_full_pipe.load()) write_error.store(failed);
}

void interrupt_main_thread(int number) noexcept {
  if ((interruptible.load() & bit(number)) == 0 || in_main_thread()) return;
  siginfo_t info;
  std::memset(&info, 0, sizeof info);
  info.si_signo = number;
  info.si_code = SI_QUEUE;
  info.si_pid = ::getpid();
  info.si_uid = ::getuid();
  info.si_value.sival_ptr = const_cast<char*>(&interruption_mark); // only its address
  interruption_sent.store(true);
  ::syscall(SYS_rt_tgsigqueueinfo, info.si_pid, info.si_pid, number, &info);
}

} // namespace

void on_signal(int number, siginfo_t* info, void* /*context*/) noexcept {
  const int saved_errno = errno;
  if (is_fault(number, *info)) {
    die_of(number, *info);
  } else if (is_interruption(*info)) {
    interruption_sent.store(false);
  } else {
    std::atomic<int>& inside = threads_inside[room.load()];
    inside.fetch_add(1);
    put(number, *info);
    wake_own();
    wake_user(number);
    interrupt_main_thread(number);
    inside.fetch_sub(1);
  }
  errno = saved_errno;
}

void prepare(signal_id signal) {
  const auto index = static_cast<std::size_t>(signal.number());
  if (index >= first_real_time && rings[index].load() == nullptr) rings[index].store(new ring);
  prepared.store(true);
}

bool in_use() noexcept {
  return prepared.load();
}

bool any() noexcept {
  return marks.load() != 0;
}

std::optional<noted> next(int first) noexcept {
  for (;;) {
    const std::uint64_t from_first = first > signal_id::highest ? 0 : ~(bit(first) - 1);
    const std::uint64_t found = marks.load() & from_first;
    if (found == 0) return std::nullopt;
    const int number = std::countr_zero(found) + 1;
    const auto index = static_cast<std::size_t>(number);
    marks.fetch_and(~bit(number)); // before looking: who notes comes to mark it again
    const ring* const queue = rings[index].load();
    const std::uint64_t count = index < first_real_time ? std::uint64_t{slots[index].full()}
                                : queue != nullptr      ? queue->size()
                                                        : 0;
    if (count == 0) continue;
    marks.fetch_or(bit(number)); // for take()
    return noted{signal_id(number), count};
  }
}

std::optional<siginfo_t> take(signal_id signal) noexcept {
  const int number = signal.number();
  const auto index = static_cast<std::size_t>(number);
  marks.fetch_and(~bit(number));
  if (index < first_real_time) return slots[index].take();
  ring* const queue = rings[index].load();
  if (queue == nullptr) return std::nullopt;
  std::optional<siginfo_t> info = queue->take(signal);
  if (queue->size() > 0) marks.fetch_or(bit(number));
  return info;
}

void settle() noexcept {
  // Twice: who has chosen a room and is not in it yet may be counted in either.
  for (int turn = 0; turn < 2; ++turn) {
    const std::atomic<int>& left = threads_inside[room.fetch_xor(1)];
    wait_for([&] { return left.load() == 0; });
  }
}

void forget_after_fork() noexcept {
  for (slot& one : slots)
    one.clear();
  for (const std::atomic<ring*>& one : rings)
    if (ring* const queue = one.load()) queue->clear();
  marks.store(0);
  for (std::atomic<int>& inside : threads_inside)
    inside.store(0);
  interruptible.store(0);
  interruption_sent.store(false);
  write_error.store(0);
  const int waits = own_descriptor.exchange(-1); // of the parent's main thread
  if (waits >= 0) ::close(waits);
}

void set_own_descriptor(int descriptor) noexcept {
  own_descriptor.store(descriptor);
}

int set_user_descriptor(int descriptor, bool report_full) noexcept {
  report_full_pipe.store(report_full);
  const int previous = user_descriptor.exchange(descriptor);
  settle();
  return previous;
}

int take_write_error() noexcept {
  return write_error.exchange(0);
}

std::uint64_t begin_system_call(std::uint64_t unblocked) noexcept {
  return interruptible.exchange(unblocked);
}

void end_system_call(std::uint64_t before) noexcept {
  interruptible.store(0);
  settle();
  // What was sent is delivered when the next system call returns at the latest: before notes are
  // taken, so that no genuine signal is taken for one with ours.
  if (interruption_sent.load()) {
    ::syscall(SYS_gettid);
    interruption_sent.store(false);
  }
  interruptible.store(before);
}

void settle_interruption() noexcept {
  constexpr int enough = 200; // some 5 ms
  wait_for([tries = 0]() mutable { return !interruption_sent.load() || ++tries > enough; });
}

std::uint64_t values_lost() noexcept {
  return lost.load();
}

} // namespace sigkit::notes
