#include "support/handlers.hpp"

#include <signal.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

using namespace test;
using namespace std::chrono_literals;

namespace {

/// How often the main thread has gone to sleep.
long sleeps_of_main_thread() {
  std::ifstream status("/proc/" + std::to_string(::getpid()) + "/status");
  const std::string wanted = "voluntary_ctxt_switches:";
  for (std::string word; status >> word;)
    if (long count = 0; word == wanted && status >> count) return count;
  FAIL("/proc has no ", wanted);
  return 0;
}

/// What read(2) of a pipe returns when ALRM comes while it waits, and something is written after
/// that: "interrupted" or "restarted".
std::string read_under_alarms() {
  const pipe_ends pipe = make_pipe(0);
  std::thread late([&] {
    pthread_sigmask(mask_change::block, {sigalrm});
    CHECK(test::eventually([] { return read_process(::getpid())->state == 'S'; }));
    const long before = sleeps_of_main_thread(); // it may be counted a moment after it is seen
    setitimer(itimer::real, 10ms, 10ms);
    CHECK(test::eventually([&] { return sleeps_of_main_thread() >= before + 2; }));
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
    { const scoped_handler inner(sigalrm, do_nothing); }
    CHECK(read_under_alarms() == (interrupts ? "interrupted" : "restarted"));
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
