#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include <sigkit/sigkit.hpp>

#include "support/handlers.hpp"

using namespace sigkit;
using namespace std::chrono_literals;

namespace {

constexpr auto run_length = 2s;

/// The run-time of the thread sanitizer delays signals, and makes one of equal ones meanwhile: it
/// loses what the library does not. Races and crashes are what it looks for here.
constexpr bool merges_queued_signals = SIGKIT_TESTS_SANITIZE_THREADS;

/// That run-time can also leave a thread with all signals blocked: it puts the mask aside while it
/// calls the handlers that it has delayed, in a place that a round of these within another
/// overwrites. Nothing else may need a second try.
constexpr int tries_to_be_called = merges_queued_signals ? 10 : 1;

void undo_mask_left_by_sanitizer() {
  if (merges_queued_signals) pthread_sigmask(mask_change::set, {});
}

/// Whether as many calls were made as signals were sent.
bool all_called(std::uint64_t calls, std::uint64_t sent) {
  return merges_queued_signals ? calls > 0 && calls <= sent : calls == sent;
}

struct sent_counts {
  std::uint64_t queued = 0; ///< real-time signals that the kernel took
  std::uint64_t sum = 0;    ///< of their values
};

/// Another process, which pours signals into this one for two seconds, as fast as it can, and then
/// at a pace that a slow machine keeps up with, until this one has seen enough. Where signals come
/// in faster than their calls are made each dispatch() takes longer than the one before, and this
/// one would never see enough. Says what it has sent when it ends.
class pouring_process {
public:
  pouring_process(signal_id standard, signal_id real_time) {
    // All processes of a user share the queue that is limited here: leave room for other tests.
    const rlimit limit{4000, 4000};
    REQUIRE(::setrlimit(RLIMIT_SIGPENDING, &limit) == 0);
    test::pipe_ends report = test::make_pipe(0);
    test::pipe_ends enough = test::make_pipe(O_NONBLOCK); // closed: enough
    const pid_t target = ::getpid();
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ != 0) {
      report_ = std::move(report.read);
      goes_on_ = std::move(enough.write);
      return;
    }
    enough.write.reset();
    const sent_counts counts = pour(target, standard, real_time, enough.read.get());
    ::_exit(::write(report.write.get(), &counts, sizeof counts) == sizeof counts ? 0 : 1);
  }
  pouring_process(const pouring_process&) = delete;
  pouring_process& operator=(const pouring_process&) = delete;
  ~pouring_process() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  void enough() { goes_on_.reset(); }

  bool has_ended() {
    if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = 0;
    return pid_ == 0;
  }

  sent_counts counts() {
    sent_counts result;
    REQUIRE(::read(report_.get(), &result, sizeof result) == sizeof result);
    return result;
  }

private:
  static sent_counts pour(pid_t target, signal_id standard, signal_id real_time, int over) {
    sent_counts counts;
    const auto end = std::chrono::steady_clock::now() + run_length;
    const auto goes_on = [over] {
      char none = 0;
      return ::read(over, &none, 1) != 0;
    };
    for (int value = 1;; ++value) {
      if (std::chrono::steady_clock::now() >= end) {
        if (!goes_on()) break;
        std::this_thread::sleep_for(1ms);
      }
      ::kill(target, standard.number());
      if (::sigqueue(target, real_time.number(), {value}) != 0) continue; // the queue is full
      ++counts.queued;
      counts.sum += static_cast<std::uint64_t>(value);
    }
    return counts;
  }

  pid_t pid_ = -1;
  unique_fd report_;
  unique_fd goes_on_;
};

/// Two threads that compute: the kernel gives signals to them as well.
class busy_threads {
public:
  busy_threads() {
    for (std::thread& thread : threads_)
      thread = std::thread([this] {
        while (!over_)
          std::this_thread::yield();
      });
  }
  busy_threads(const busy_threads&) = delete;
  busy_threads& operator=(const busy_threads&) = delete;
  ~busy_threads() {
    over_ = true;
    for (std::thread& thread : threads_)
      thread.join();
  }

private:
  std::atomic<bool> over_ = false;
  std::array<std::thread, 2> threads_;
};

} // namespace

TEST_CASE("stress: handlers that change while signals pour in lose no call and never crash") {
  std::uint64_t standard_calls = 0;
  std::uint64_t queued_calls = 0;
  std::uint64_t sum = 0;
  std::uint64_t without_value = 0;
  const auto count = [&](signal_id, const signal_info&) {
    CHECK(in_main_thread());
    ++standard_calls;
  };
  const auto add = [&](signal_id, const signal_info& info) {
    ++queued_calls;
    sum += static_cast<std::uint64_t>(info.value);
    if (info.value == 0) ++without_value;
  };
  const signal_id queued = real_time_min();
  set_handler(sigusr1, handler::ignored());
  set_handler(queued, add);
  const busy_threads threads;
  pouring_process other(sigusr1, queued);

  std::uint64_t changes = 0;
  while (!other.has_ended()) {
    set_handler(sigusr1, count);
    set_handler(queued, add); // another callable: none is lost between the two
    const std::uint64_t before = standard_calls;
    for (int tries = 0; standard_calls == before && tries < tries_to_be_called; ++tries) {
      undo_mask_left_by_sanitizer();
      ::raise(SIGUSR1);
      dispatch();
    }
    REQUIRE(standard_calls > before); // one that came while a handler was set is called
    siginterrupt(sigusr1, (changes & 1) == 0);
    set_handler(sigusr1, handler::ignored());
    if (++changes > 100) other.enough();
  }
  // What the threads were given is noted when they have ended.
  const sent_counts sent = other.counts();
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!all_called(queued_calls, sent.queued) && std::chrono::steady_clock::now() < deadline)
    dispatch();
  MESSAGE(changes, " changes, ", queued_calls, " queued, ", without_value, " without value");
  CHECK(changes > 100);
  CHECK(sent.queued > 1000);
  CHECK(all_called(queued_calls, sent.queued));
  CHECK(values_lost() == without_value);
  if (without_value == 0 && !merges_queued_signals) CHECK(sum == sent.sum);
}

TEST_CASE("stress: waits and interrupted system calls lose nothing that pours into other threads") {
  std::uint64_t calls = 0;
  const signal_id queued = real_time_min();
  set_handler(queued, [&](signal_id, const signal_info&) { ++calls; });
  set_handler(sigusr1, [](signal_id, const signal_info&) {});
  const busy_threads threads;
  pouring_process other(sigusr1, queued);
  other.enough();
  while (!other.has_ended()) {
    undo_mask_left_by_sanitizer();
    sleep_for(100us);
    static_cast<void>(sigtimedwait({sigchld}, 100us));
    const timespec moment{0, 100'000};
    retry([&] { return ::nanosleep(&moment, nullptr); });
  }
  const sent_counts sent = other.counts();
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!all_called(calls, sent.queued) && std::chrono::steady_clock::now() < deadline)
    sleep_for(1ms);
  CHECK(all_called(calls, sent.queued));
}
