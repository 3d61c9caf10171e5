#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include <sigkit/sigkit.hpp>

#include "support/child.hpp"

using namespace sigkit;
using namespace std::chrono_literals;

namespace {

struct pipe_ends {
  unique_fd read;
  unique_fd write;
};

pipe_ends make_pipe(int flags) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), flags | O_CLOEXEC) == 0);
  return {unique_fd(ends[0]), unique_fd(ends[1])};
}

/// A handler that appends what it was called with.
auto append_to(std::vector<signal_info>& calls) {
  return [&calls](signal_id signal, const signal_info& info) {
    CHECK(info.signal == signal);
    calls.push_back(info);
  };
}

constexpr auto do_nothing = [](signal_id, const signal_info&) {};

std::string bytes_in(int descriptor) {
  std::array<char, 64> text{};
  const ssize_t count = ::read(descriptor, text.data(), text.size());
  return {text.data(), static_cast<std::size_t>(count > 0 ? count : 0)};
}

/// Queues a value to this process. The thread sanitizer keeps one signal of a kind until some
/// system call that it knows: that is the poll.
void queue_to_self(signal_id signal, int value) {
  REQUIRE(queue(::getpid(), signal, value) == delivery::sent);
  ::poll(nullptr, 0, 0);
}

/// Runs `body` in a thread of its own and hands on what it throws.
template <class Body> void in_another_thread(Body body) {
  std::async(std::launch::async, body).get();
}

/// Checks that `body` throws an error with this code and, in its text, these words.
template <class Error = error, class Body>
void refused(Body body, std::errc code, const std::string& words) {
  try {
    body();
  } catch (const Error& why) {
    CHECK(why.code() == code);
    CHECK_MESSAGE(std::string(why.what()).find(words) != std::string::npos, why.what());
    return;
  }
  FAIL("accepted: ", words);
}

} // namespace

TEST_CASE("handlers: setting returns the one before, getting the present one") {
  const handler first(do_nothing);
  const handler second(do_nothing);
  CHECK(get_handler(sigusr1) == handler::by_default());
  CHECK(set_handler(sigusr1, first) == handler::by_default());
  CHECK(get_handler(sigusr1) == first);
  CHECK(first != second);
  CHECK(set_handler(sigusr1, second) == first);
  CHECK(set_handler(sigusr1, handler::ignored()) == second);
  CHECK(get_handler(sigusr1) == handler::ignored());
  CHECK(set_handler(sigusr1, first) == handler::ignored());
  CHECK(set_handler(sigusr1, handler::by_default()) == first);
  CHECK(get_handler(sigusr1) == handler::by_default());
}

TEST_CASE("handlers: one of somebody else is foreign, and can be put back") {
  static int foreign_calls = 0;
  struct sigaction action {};
  action.sa_handler = [](int) { ++foreign_calls; };
  action.sa_flags = SA_NODEFER;
  ::sigaction(SIGUSR1, &action, nullptr);
  CHECK(get_handler(sigusr1).what() == handler::kind::foreign);
  const handler foreign = set_handler(sigusr1, do_nothing);
  CHECK(foreign.what() == handler::kind::foreign);
  ::raise(SIGUSR1);
  CHECK(foreign_calls == 0);
  set_handler(sigusr1, foreign);
  ::raise(SIGUSR1);
  CHECK(foreign_calls == 1);
  struct sigaction now {};
  ::sigaction(SIGUSR1, nullptr, &now);
  CHECK((now.sa_flags & SA_NODEFER) != 0);
}

TEST_CASE("handlers: what replaces one behind the library's back is seen") {
  set_handler(sigusr1, do_nothing);
  ::signal(SIGUSR1, SIG_IGN);
  CHECK(get_handler(sigusr1) == handler::ignored());
  CHECK(set_handler(sigusr1, do_nothing) == handler::ignored());
  set_default(sigusr1);
  CHECK(get_handler(sigusr1) == handler::by_default());
}

TEST_CASE("handlers: the real one that is put back by itself has nothing to call, and goes on") {
  set_handler(sigusr1, do_nothing);
  struct sigaction ours {};
  ::sigaction(SIGUSR1, nullptr, &ours);
  set_handler(sigusr1, handler::by_default());
  ::sigaction(SIGUSR1, &ours, nullptr);
  ::raise(SIGUSR1);
  CHECK(dispatch() == 0);
  sleep_for(1ms);
  set_handler(sigusr1, do_nothing);
  ::raise(SIGUSR1);
  CHECK(dispatch() == 1);
}

TEST_CASE("handlers: one that can only be moved is as good as others") {
  int calls = 0;
  set_handler(sigusr1, [&, owned = std::make_unique<int>(2)](signal_id, const signal_info&) {
    calls += *owned;
  });
  const handler shared = get_handler(sigusr1);
  set_handler(sigusr2, shared);
  ::raise(SIGUSR1);
  ::raise(SIGUSR2);
  CHECK(dispatch() == 2);
  CHECK(calls == 4);
}

TEST_CASE("handlers: an empty one is refused") {
  refused([] { set_handler(sigusr1, handler::callable{}); }, std::errc::invalid_argument,
          "set_handler of signal USR1, with an empty function");
  void (*const nothing)(signal_id, const signal_info&) = nullptr;
  refused([&] { set_handler(sigusr1, nothing); }, std::errc::invalid_argument, "empty function");
  CHECK(get_handler(sigusr1) == handler::by_default());
}

TEST_CASE("handlers: signals that can have none are refused") {
  for (const signal_id signal : {sigkill, sigstop, signull, signal_id(-1), signal_id(65),
                                 signal_id(4242), signal_id(32), signal_id(33)}) {
    CAPTURE(signal.number());
    refused([&] { set_handler(signal, do_nothing); }, std::errc::invalid_argument,
            "set_handler of signal " + signal.name());
    refused([&] { set_handler(signal, handler::ignored()); }, std::errc::invalid_argument,
            "set_handler");
    refused([&] { siginterrupt(signal, true); }, std::errc::invalid_argument, "siginterrupt");
  }
  for (const signal_id signal : {signull, signal_id(-1), signal_id(65), signal_id(32)})
    refused([&] { static_cast<void>(get_handler(signal)); }, std::errc::invalid_argument,
            "get_handler of signal ");
  CHECK(get_handler(sigkill) == handler::by_default());
  CHECK(get_handler(sigstop) == handler::by_default());
}

TEST_CASE("handlers: every other signal can have one") {
  for (const signal_id signal : signal_set::changeable()) {
    CAPTURE(signal.number());
    std::vector<signal_info> calls;
    const scoped_handler set(signal, append_to(calls), asynchronous_only);
    CHECK(dispatch() == 0);
    ::raise(signal.number());
    CHECK(dispatch() == 1);
    REQUIRE(calls.size() == 1);
    CHECK(calls[0].signal == signal);
    CHECK(calls[0].pid == ::getpid());
  }
  CHECK(get_handler(sigusr1) == handler::by_default());
}

TEST_CASE("handlers: only the main thread installs them and sets the wake-up descriptor") {
  in_another_thread([] {
    CHECK_FALSE(in_main_thread());
    refused([] { set_handler(sigusr1, do_nothing); }, std::errc::operation_not_permitted,
            "set_handler of signal USR1 outside the main thread");
    refused([] { set_wakeup_fd(-1); }, std::errc::operation_not_permitted,
            "set_wakeup_fd of descriptor -1 outside the main thread");
    CHECK(get_handler(sigusr1) == handler::by_default()); // asking is allowed
  });
  CHECK(in_main_thread());
}

TEST_CASE("handlers: they run at a safe point, with what came, and not before") {
  std::vector<signal_info> calls;
  set_handler(sigusr1, append_to(calls));
  ::kill(::getpid(), SIGUSR1);
  CHECK(calls.empty());
  CHECK(dispatch() == 1);
  REQUIRE(calls.size() == 1);
  CHECK(code_name(calls[0]) == "SI_USER");
  CHECK(calls[0].pid == ::getpid());
  CHECK(calls[0].uid == ::getuid());
  CHECK(dispatch() == 0);
}

TEST_CASE("handlers: one stays until it is set again") {
  int calls = 0;
  set_handler(sigusr1, [&](signal_id, const signal_info&) { ++calls; });
  for (int i = 1; i <= 3; ++i) {
    ::raise(SIGUSR1);
    dispatch();
    CHECK(calls == i);
  }
}

TEST_CASE("handlers: equal standard signals are one call, with the first one's siginfo") {
  std::vector<signal_info> calls;
  set_handler(sigusr1, append_to(calls));
  for (int value = 1; value <= 3; ++value)
    queue_to_self(sigusr1, value);
  CHECK(dispatch() == 1);
  REQUIRE(calls.size() == 1);
  CHECK(calls[0].value == 1);
  CHECK(code_name(calls[0]) == "SI_QUEUE");
}

TEST_CASE("handlers: real-time signals are a call each, in their order") {
  std::vector<signal_info> calls;
  const signal_id signal(real_time_min().number() + 1);
  set_handler(signal, append_to(calls));
  for (int value = 0; value < 100; ++value)
    queue_to_self(signal, value);
  CHECK(dispatch() == 100);
  REQUIRE(calls.size() == 100);
  for (int value = 0; value < 100; ++value)
    CHECK(calls[static_cast<std::size_t>(value)].value == value);
}

TEST_CASE("handlers: what overflows the ring keeps its call, loses its value and is counted") {
  std::vector<signal_info> calls;
  const signal_id signal = real_time_max();
  set_handler(signal, append_to(calls));
  for (int round = 1; round <= 3; ++round) { // the ring goes round
    calls.clear();
    for (int value = 1; value <= 1124; ++value)
      queue_to_self(signal, value);
    CHECK(dispatch() == 1124);
    REQUIRE(calls.size() == 1124);
    for (int value = 1; value <= 1024; ++value)
      CHECK(calls[static_cast<std::size_t>(value - 1)].value == value);
    for (std::size_t i = 1024; i < calls.size(); ++i) {
      CHECK(calls[i].signal == signal);
      CHECK(calls[i].value == 0);
    }
    CHECK(values_lost() == static_cast<std::uint64_t>(round) * 100);
  }
}

TEST_CASE("handlers: several that are due run in the order of their numbers") {
  std::vector<signal_info> calls;
  const std::vector<signal_id> sent{real_time_max(), sigterm, sigusr2,        real_time_min(),
                                    sighup,          sigusr1, real_time_max()};
  for (const signal_id signal : sent)
    set_handler(signal, append_to(calls));
  for (const signal_id signal : sent)
    ::raise(signal.number());
  CHECK(dispatch() == sent.size());
  CHECK(std::is_sorted(calls.begin(), calls.end(),
                       [](const auto& a, const auto& b) { return a.signal < b.signal; }));
}

TEST_CASE("handlers: what one throws comes out of the safe point, and the rest stays due") {
  std::vector<signal_info> calls;
  set_handler(sighup, [](signal_id, const signal_info&) { throw std::runtime_error("hung up"); });
  set_handler(sigusr1, append_to(calls));
  ::raise(SIGUSR1);
  ::raise(SIGHUP);
  CHECK_THROWS_WITH_AS(dispatch(), "hung up", std::runtime_error);
  CHECK(calls.empty());
  CHECK(dispatch() == 1);
  CHECK(calls.size() == 1);
  ::raise(SIGHUP);
  CHECK_THROWS_AS(sleep_for(10s), std::runtime_error);
  ::raise(SIGHUP);
  CHECK_THROWS_AS(sigkit::pause(), std::runtime_error);
  ::raise(SIGHUP);
  CHECK_THROWS_AS(sigwaitinfo({sigchld}), std::runtime_error);
  ::raise(SIGHUP);
  CHECK_THROWS_AS(set_handler(sigusr2, do_nothing), std::runtime_error);
  CHECK(get_handler(sigusr2) == handler::by_default());
}

TEST_CASE("handlers: one that sends its own signal is called again at the next safe point") {
  int calls = 0;
  for (const signal_id signal : {sigusr1, real_time_min()}) {
    calls = 0;
    set_handler(signal, [&](signal_id self, const signal_info&) {
      ++calls;
      ::raise(self.number());
    });
    ::raise(signal.number());
    CHECK(dispatch() == 1);
    CHECK(dispatch() == 1);
    CHECK(calls == 2);
    set_handler(signal, do_nothing);
  }
}

TEST_CASE("handlers: one may wait, set others, and replace itself") {
  std::vector<signal_info> inner;
  set_handler(sigusr2, append_to(inner));
  set_handler(sigusr1, [&](signal_id self, const signal_info&) {
    ::raise(SIGUSR2);
    sleep_for(1ms);
    CHECK(inner.size() == 1);
    set_handler(self, handler::ignored());
  });
  ::raise(SIGUSR1);
  CHECK(dispatch() == 1);
  CHECK(get_handler(sigusr1) == handler::ignored());
}

TEST_CASE("handlers: the rest of a queue may be handled within the first call") {
  std::vector<int> order;
  const signal_id signal = real_time_min();
  set_handler(signal, [&](signal_id, const signal_info& info) {
    dispatch();
    order.push_back(info.value);
  });
  for (int value = 1; value <= 3; ++value)
    queue_to_self(signal, value);
  dispatch();
  CHECK(order == std::vector<int>{3, 2, 1});
}

TEST_CASE("handlers: signals that came in another thread are run in the main one") {
  std::atomic<int> calls = 0;
  set_handler(sigusr1, [&](signal_id, const signal_info&) {
    CHECK(in_main_thread());
    ++calls;
  });
  in_another_thread([&] {
    ::raise(SIGUSR1); // for this thread alone
    CHECK(dispatch() == 0);
    sleep_for(1ms);
    CHECK(calls == 0);
  });
  CHECK(calls == 0);
  CHECK(dispatch() == 1);
  CHECK(calls == 1);
}

TEST_CASE("handlers: one that comes in another thread ends the main thread's wait") {
  int calls = 0;
  set_handler(sigusr1, [&](signal_id, const signal_info&) { ++calls; });
  // Blocked here: the kernel has no choice but the other thread.
  const scoped_mask blocked(mask_change::block, {sigusr1, sigusr2});
  const auto raise_elsewhere = [] {
    pthread_sigmask(mask_change::unblock, {sigusr1});
    ::raise(SIGUSR1);
  };
  std::thread first(raise_elsewhere);
  sigkit::pause();
  first.join();
  CHECK(calls == 1);
  std::thread second([&] {
    raise_elsewhere();
    ::kill(::getpid(), SIGUSR2);
  });
  CHECK(sigwait({sigusr2}) == sigusr2);
  second.join();
  dispatch();
  CHECK(calls == 2);
}

TEST_CASE("handlers: one that comes in another thread interrupts the main thread's system call") {
  const pipe_ends never_written = make_pipe(0);
  for (const signal_id signal : {sigusr1, real_time_min()}) {
    std::atomic<bool> begun = false;
    std::atomic<bool> over = false;
    set_handler(signal, [&](signal_id, const signal_info&) {
      if (!over.exchange(true)) throw std::runtime_error("out");
    });
    // The gap before the system call is not closed: the signal is sent until the call is over.
    std::thread other([&] {
      test::eventually([&] { return begun.load(); });
      while (!over) {
        ::raise(signal.number());
        std::this_thread::sleep_for(1ms);
      }
    });
    char byte = 0;
    CHECK_THROWS_AS(retry([&] {
                      begun = true;
                      return ::read(never_written.read.get(), &byte, 1);
                    }),
                    std::runtime_error);
    other.join();
    set_handler(signal, do_nothing);
  }
}

TEST_CASE("handlers: calls are neither lost nor doubled when they interrupt system calls") {
  // Each signal goes to the other thread alone, and the next is sent when the first was handled.
  std::atomic<int> calls = 0;
  const signal_id signal = real_time_min();
  set_handler(signal, [&](signal_id, const signal_info&) { ++calls; });
  const pipe_ends pipe = make_pipe(0);
  constexpr int rounds = 300;
  std::thread other([&] {
    for (int round = 0; round < rounds; ++round) {
      while (::raise(signal.number()) != 0) // other processes may fill the queue
        std::this_thread::yield();
      test::eventually([&] { return calls > round; });
    }
    REQUIRE(::write(pipe.write.get(), "x", 1) == 1);
  });
  char byte = 0;
  timeval limit{};
  fd_set set;
  // A select that ends soon closes the gap that retry() has.
  while (retry([&] {
           FD_ZERO(&set);
           FD_SET(pipe.read.get(), &set);
           limit = {0, 2000};
           return ::select(pipe.read.get() + 1, &set, nullptr, nullptr, &limit);
         }) == 0) {
  }
  CHECK(::read(pipe.read.get(), &byte, 1) == 1);
  other.join();
  dispatch();
  CHECK(calls == rounds);
}

TEST_CASE("handlers: errno is what it was after a signal was delivered") {
  const pipe_ends full = make_pipe(O_NONBLOCK);
  set_handler(sigusr1, do_nothing);
  set_wakeup_fd(full.write.get());
  const std::vector<char> much(1 << 20);
  while (::write(full.write.get(), much.data(), much.size()) > 0) {
  }
  errno = EDOM;
  ::raise(SIGUSR1); // the write in the handler fails with EAGAIN
  CHECK(errno == EDOM);
  CHECK(take_wakeup_error() == std::errc::resource_unavailable_try_again);
  errno = ERANGE;
  in_another_thread([] {
    errno = EDOM;
    ::raise(SIGUSR1);
    CHECK(errno == EDOM);
  });
}

TEST_CASE("handlers: a blocked signal waits, and is called before the unblocking call returns") {
  int calls = 0;
  set_handler(sigusr1, [&](signal_id, const signal_info&) { ++calls; });
  pthread_sigmask(mask_change::block, {sigusr1});
  ::raise(SIGUSR1);
  dispatch();
  CHECK(calls == 0);
  CHECK(sigpending() == signal_set{sigusr1});
  pthread_sigmask(mask_change::unblock, {sigusr1});
  CHECK(calls == 1);
  CHECK(sigpending().empty());
  set_handler(sigusr1,
              [](signal_id, const signal_info&) { throw std::runtime_error("unblocked"); });
  pthread_sigmask(mask_change::block, {sigusr1});
  ::raise(SIGUSR1);
  CHECK_THROWS_AS(pthread_sigmask(mask_change::set, {}), std::runtime_error);
  CHECK(pthread_sigmask(mask_change::block, {}).empty());
}

TEST_CASE("handlers: for faults they are refused, with the reason") {
  for (const signal_id signal : {sigsegv, sigbus, sigfpe, sigill}) {
    set_default(signal); // instead of the test runner's own
    refused([&] { set_handler(signal, do_nothing); }, std::errc::invalid_argument,
            "set_handler of signal " + signal.name() +
                ", which comes from an instruction that would fail again");
    CHECK(set_handler(signal, handler::ignored()) == handler::by_default());
    CHECK(set_handler(signal, handler::by_default()) == handler::ignored());
    int calls = 0;
    const scoped_handler set(
        signal, [&](signal_id, const signal_info&) { ++calls; }, asynchronous_only);
    ::kill(::getpid(), signal.number());
    CHECK(dispatch() == 1);
    CHECK(calls == 1);
  }
}

namespace {

/// How a forked child ends that does this.
template <class Body> int status_of_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::_exit(body());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

__attribute__((no_sanitize("address", "undefined", "thread"))) void write_to_nowhere() {
  volatile int* volatile nowhere = nullptr;
  *nowhere = 1;
}

} // namespace

TEST_CASE("handlers: a real fault takes the default action all the same") {
  const int status = status_of_child([] {
    set_handler(sigsegv, do_nothing, asynchronous_only);
    ::raise(SIGSEGV);
    if (dispatch() != 1) return 1;
    write_to_nowhere();
    return 0;
  });
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGSEGV);
  const int in_thread = status_of_child([] {
    set_handler(sigsegv, do_nothing, asynchronous_only);
    std::thread(write_to_nowhere).join();
    return 0;
  });
  CHECK(WIFSIGNALED(in_thread));
}

TEST_CASE("handlers: what came during a change meets what was set") {
  set_handler(sigusr1, do_nothing);
  {
    const scoped_handler inner(sigusr1, do_nothing);
    ::raise(SIGUSR1);
  } // no safe point: what is put back has the call
  CHECK(dispatch() == 1);
  const int status = status_of_child([] {
    set_default(sigterm);
    {
      const scoped_handler inner(sigterm, do_nothing);
      ::raise(SIGTERM);
    }
    return 0;
  });
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGTERM);
}

TEST_CASE("handlers: a child of fork has them, and none of its parent's calls") {
  int calls = 0;
  set_handler(sigusr1, [&](signal_id, const signal_info&) { ++calls; });
  const signal_id queued = real_time_min();
  set_handler(queued, [&](signal_id, const signal_info&) { ++calls; });
  ::raise(SIGUSR1);
  queue_to_self(queued, 1);
  const int status = status_of_child([&] {
    if (dispatch() != 0) return 1;
    ::raise(SIGUSR1);
    queue_to_self(queued, 2);
    if (dispatch() != 2) return 2;
    ::raise(SIGUSR1);
    sigkit::pause();
    return calls == 3 && in_main_thread() ? 0 : 3;
  });
  CHECK(status == 0);
  CHECK(dispatch() == 2);
}

#ifndef __SANITIZE_THREAD__
// The thread sanitizer's fork() allocates, which it reports where a handler calls it.
TEST_CASE("handlers: a handler of somebody else may fork wherever it comes") {
  static std::atomic<int> forks = 0;
  set_handler(sigusr1, do_nothing);
  struct sigaction action {};
  action.sa_handler = [](int) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    ::waitpid(child, nullptr, 0);
    ++forks;
  };
  ::sigaction(SIGALRM, &action, nullptr);
  for (int round = 0; round < 200; ++round) {
    setitimer(itimer::real, std::chrono::microseconds(1 + round));
    while (forks == round) {
      ::raise(SIGUSR1);
      dispatch();
      static_cast<void>(get_handler(sigusr1));
    }
  }
}
#endif

TEST_CASE("handlers: the program's own steps around a fork may use the library") {
  // A lock that is held across fork, and by a thread that asks for a handler meanwhile.
  static std::mutex lock;
  const int status = status_of_child([] {
    ::pthread_atfork([] { lock.lock(); }, [] { lock.unlock(); },
                     [] {
                       lock.unlock();
                       set_handler(sigterm, handler::by_default());
                     });
    set_handler(sigterm, do_nothing);
    std::atomic<bool> over = false;
    std::thread other([&] {
      while (!over) {
        const std::lock_guard held(lock);
        static_cast<void>(get_handler(sigterm));
      }
    });
    int failed = 0;
    for (int i = 0; i < 200; ++i)
      failed += static_cast<int>(status_of_child([] { return 0; }) != 0);
    over = true;
    other.join();
    return failed;
  });
  CHECK(status == 0);
}

TEST_CASE("handlers: a SIGPIPE that was pending before a write to the wake-up descriptor stays") {
  pipe_ends pipe = make_pipe(O_NONBLOCK);
  set_handler(sigusr1, do_nothing);
  set_wakeup_fd(pipe.write.get());
  const scoped_mask blocked(mask_change::block, {sigpipe});
  ::raise(SIGPIPE);
  pipe.read.reset();
  ::raise(SIGUSR1);
  CHECK(take_wakeup_error() == std::errc::broken_pipe);
  CHECK(sigtimedwait({sigpipe}, 0s));
}

TEST_CASE("handlers: what is sent again is as it was") {
  static siginfo_t seen{};
  struct sigaction action {};
  action.sa_sigaction = [](int, siginfo_t* info, void*) { seen = *info; };
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGIO, &action, nullptr);
  {
    const scoped_handler set(sigio, do_nothing);
    sigval value{};
    value.sival_ptr = &seen;
    REQUIRE(::sigqueue(::getpid(), SIGIO, value) == 0);
    ::poll(nullptr, 0, 0);
  }
  ::poll(nullptr, 0, 0);
  CHECK(seen.si_pid == ::getpid());
  CHECK(seen.si_value.sival_ptr == &seen);
}

TEST_CASE("handlers: a system call within another one leaves that interruptible") {
  const pipe_ends never_written = make_pipe(0);
  std::atomic<bool> begun = false;
  std::atomic<bool> over = false;
  set_handler(sigusr1, [&](signal_id, const signal_info&) {
    if (!over.exchange(true)) throw std::runtime_error("out");
  });
  std::thread other([&] {
    test::eventually([&] { return begun.load(); });
    while (!over) {
      ::raise(SIGUSR1);
      std::this_thread::sleep_for(1ms);
    }
  });
  char byte = 0;
  CHECK_THROWS_AS(retry([&] {
                    retry([] { return 0; });
                    begun = true;
                    return ::read(never_written.read.get(), &byte, 1);
                  }),
                  std::runtime_error);
  other.join();
}

TEST_CASE("handlers: a disposition may change in another thread during a system call") {
  // The signal that interrupts the main thread must not meet the default action.
  const pipe_ends pipe = make_pipe(0);
  const int status = status_of_child([&] {
    for (int round = 0; round < 200; ++round) {
      set_handler(sigusr1, do_nothing);
      std::thread other([&] {
        ::raise(SIGUSR1);
        set_default(sigusr1);
        if (::write(pipe.write.get(), "x", 1) != 1) ::_exit(2);
      });
      char byte = 0;
      retry([&] { return ::read(pipe.read.get(), &byte, 1); });
      other.join();
      dispatch();
    }
    return 0;
  });
  CHECK(status == 0);
}

TEST_CASE("handlers: a child that another thread forks has them too") {
  int calls = 0;
  set_handler(sigusr1, [&](signal_id, const signal_info&) { ++calls; });
  in_another_thread([&] {
    CHECK(status_of_child([&] {
            ::raise(SIGUSR1);
            sigkit::pause();
            set_handler(sigusr2, do_nothing);
            return calls == 1 ? 0 : 1;
          }) == 0);
  });
}

TEST_CASE("handlers: the opt-in defaults are those of Python") {
  set_default(sigint); // instead of the test runner's own
  install_defaults();
  CHECK(get_handler(sigpipe) == handler::ignored());
  ::raise(SIGINT);
  try {
    sleep_for(10s);
    FAIL("not interrupted");
  } catch (const keyboard_interrupt& interrupt) {
    CHECK(interrupt.info().signal == sigint);
    CHECK(interrupt.info().pid == ::getpid());
  }
  set_handler(sigint, handler::ignored());
  install_defaults();
  CHECK(get_handler(sigint) == handler::ignored()); // as a job in the background has it
}

TEST_CASE(
    "wake-up descriptor: bad, closed and blocking ones are refused, the one before returned") {
  refused([] { set_wakeup_fd(-2); }, std::errc::bad_file_descriptor, "descriptor -2");
  refused([] { set_wakeup_fd(987654); }, std::errc::bad_file_descriptor, "descriptor 987654");
  const pipe_ends blocking = make_pipe(0);
  refused([&] { set_wakeup_fd(blocking.write.get()); }, std::errc::invalid_argument,
          ", which blocks");
  const pipe_ends first = make_pipe(O_NONBLOCK);
  const pipe_ends second = make_pipe(O_NONBLOCK);
  CHECK(set_wakeup_fd(first.write.get()) == -1);
  CHECK(set_wakeup_fd(second.write.get()) == first.write.get());
  CHECK(set_wakeup_fd(-1) == second.write.get());
  CHECK(set_wakeup_fd(-1) == -1);
}

TEST_CASE("wake-up descriptor: one byte a signal, its number, in the order in which they came") {
  const pipe_ends pipe = make_pipe(O_NONBLOCK);
  set_wakeup_fd(pipe.write.get());
  set_handler(sigusr1, do_nothing);
  set_handler(sigusr2, do_nothing);
  set_handler(real_time_max(), do_nothing);
  const std::vector<signal_id> sent{sigusr2, sigusr1, sigusr1, real_time_max(), sigusr2};
  std::string expected;
  for (const signal_id signal : sent) {
    ::raise(signal.number());
    expected += static_cast<char>(signal.number());
  }
  CHECK(bytes_in(pipe.read.get()) == expected);
  CHECK(dispatch() == 3);
  set_wakeup_fd(-1);
  ::raise(SIGUSR1);
  CHECK(bytes_in(pipe.read.get()).empty());
}

TEST_CASE("wake-up descriptor: written before and during a select") {
  const pipe_ends pipe = make_pipe(O_NONBLOCK);
  set_wakeup_fd(pipe.write.get());
  set_handler(sigalrm, do_nothing);
  siginterrupt(sigalrm, false);
  const auto readable = [&] {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(pipe.read.get(), &set);
    timeval limit{20, 0};
    return ::select(pipe.read.get() + 1, &set, nullptr, nullptr, &limit);
  };
  ::raise(SIGALRM);
  CHECK(readable() == 1);
  CHECK(bytes_in(pipe.read.get()) == std::string(1, SIGALRM));
  std::thread other([] {
    CHECK(test::eventually([] { return read_process(::getpid())->state == 'S'; }));
    ::raise(SIGALRM); // in this thread: nothing interrupts the select but the byte
  });
  CHECK(readable() == 1);
  other.join();
  CHECK(dispatch() == 1);
}

TEST_CASE("wake-up descriptor: a write that fails is told, and the handler still runs") {
  pipe_ends pipe = make_pipe(O_NONBLOCK);
  int calls = 0;
  set_handler(sigusr1, [&](signal_id, const signal_info&) { ++calls; });
  set_wakeup_fd(pipe.write.get());
  CHECK_FALSE(take_wakeup_error());
  pipe.read.reset();
  ::raise(SIGUSR1); // SIGPIPE has its default action, and does not come
  CHECK(dispatch() == 1);
  CHECK(calls == 1);
  CHECK(take_wakeup_error() == std::errc::broken_pipe);
  CHECK_FALSE(take_wakeup_error());
  const int closed = pipe.write.get();
  pipe.write.reset();
  ::raise(SIGUSR1);
  CHECK(dispatch() == 1);
  CHECK(take_wakeup_error() == std::errc::bad_file_descriptor);
  CHECK(set_wakeup_fd(-1) == closed);
}

TEST_CASE("wake-up descriptor: a full one is told or not, as asked, and loses no call") {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const unique_fd reading(ends[0]);
  const unique_fd writing(ends[1]);
  const std::vector<char> much(1 << 16);
  while (::write(writing.get(), much.data(), much.size()) > 0) {
  }
  while (::write(writing.get(), much.data(), 1) > 0) {
  }
  const signal_id signal = real_time_min();
  set_handler(signal, do_nothing);
  set_wakeup_fd(writing.get());
  for (int i = 0; i < 10; ++i)
    ::raise(signal.number());
  CHECK(take_wakeup_error() == std::errc::resource_unavailable_try_again);
  CHECK(dispatch() == 10);
  set_wakeup_fd(writing.get(), false);
  ::raise(signal.number());
  CHECK_FALSE(take_wakeup_error());
  CHECK(dispatch() == 1);
}

namespace {

/// What read(2) of a pipe that nobody writes to returns, when ALRM comes every 10 ms and something
/// is written after 200 ms: "interrupted" or "restarted".
std::string read_under_alarms() {
  const pipe_ends pipe = make_pipe(0);
  setitimer(itimer::real, 10ms, 10ms);
  std::thread late([&] {
    pthread_sigmask(mask_change::block, {sigalrm});
    std::this_thread::sleep_for(200ms);
    CHECK(::write(pipe.write.get(), "x", 1) == 1);
  });
  char byte = 0;
  const ssize_t count = ::read(pipe.read.get(), &byte, 1);
  const int failed = count < 0 ? errno : 0;
  late.join();
  setitimer(itimer::real, 0s);
  if (failed == EINTR) return "interrupted";
  return count == 1 ? "restarted" : "failed";
}

} // namespace

TEST_CASE("siginterrupt: on, off, twice in a row, and on again by set_handler") {
  set_handler(sigalrm, do_nothing);
  CHECK(read_under_alarms() == "interrupted");
  siginterrupt(sigalrm, false);
  CHECK(read_under_alarms() == "restarted");
  siginterrupt(sigalrm, false);
  CHECK(read_under_alarms() == "restarted");
  siginterrupt(sigalrm, true);
  CHECK(read_under_alarms() == "interrupted");
  siginterrupt(sigalrm, true);
  siginterrupt(sigalrm, false);
  set_handler(sigalrm, do_nothing);
  CHECK(read_under_alarms() == "interrupted");
}

TEST_CASE("siginterrupt: is as before when a scoped handler has gone") {
  for (const bool interrupts : {true, false}) {
    set_handler(sigalrm, do_nothing);
    siginterrupt(sigalrm, interrupts);
    const std::string before = read_under_alarms();
    { const scoped_handler inner(sigalrm, do_nothing); }
    CHECK(read_under_alarms() == before);
  }
}

TEST_CASE("retry: a system call goes on after the handlers, and keeps its result and errno") {
  std::atomic<int> calls = 0;
  set_handler(sigalrm, [&](signal_id, const signal_info&) { ++calls; });
  const pipe_ends pipe = make_pipe(0);
  setitimer(itimer::real, 5ms, 5ms);
  std::thread late([&] {
    pthread_sigmask(mask_change::block, {sigalrm});
    CHECK(test::eventually([&] { return calls > 2; })); // while the other one is in its read
    CHECK(::write(pipe.write.get(), "x", 1) == 1);
  });
  char byte = 0;
  CHECK(retry([&] { return ::read(pipe.read.get(), &byte, 1); }) == 1);
  late.join();
  setitimer(itimer::real, 0s);
  errno = 0;
  CHECK(retry([&] { return ::read(-1, &byte, 1); }) == -1);
  CHECK(errno == EBADF);
  in_another_thread([&] {
    CHECK(retry([&] { return ::read(-1, &byte, 1); }) == -1);
    CHECK(errno == EBADF);
  });
}

TEST_CASE("retry: an open that hangs is ended by an alarm whose handler throws") {
  const test::temporary_directory directory;
  const std::string fifo = directory.path() + "/device";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  set_handler(sigalrm, [](signal_id, const signal_info&) {
    throw std::runtime_error("Couldn't open device!");
  });
  setitimer(itimer::real, 50ms, 50ms);
  CHECK_THROWS_WITH(retry([&] { return ::open(fifo.c_str(), O_RDONLY | O_CLOEXEC); }),
                    "Couldn't open device!");
  setitimer(itimer::real, 0s);
}
