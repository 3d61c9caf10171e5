#include "support/handlers.hpp"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <mutex>
#include <thread>

using namespace test;
using namespace std::chrono_literals;

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

#if !SIGKIT_TESTS_SANITIZE_THREADS
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
