#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <thread>
#include <utility>

#include <sigkit/sigkit.hpp>

#include "proc.hpp"
#include "support/helper.hpp"

using namespace sigkit;
using namespace test;
using effect = reaction::effect;
using reason = reaction::reason;

namespace {

void take_nothing(int) {}

} // namespace

TEST_CASE("process signals: what waits in sigwait takes a signal") {
  const helper process([] {
    const signal_set wanted{sigusr1, sigterm};
    pthread_sigmask(mask_change::block, wanted | signal_set{sigusr2});
    helper::say_ready();
    for (;;)
      sigwaitinfo(wanted);
  });
  REQUIRE(
      test::eventually([&] { return read_signals(process.pid())->awaited().contains(sigterm); }));
  const process_signals now = read_signals(process.pid()).value();
  CHECK(now.is_complete);
  CHECK(now.awaited() == signal_set{sigusr1, sigterm});
  CHECK(to_string(reaction_to(sigterm, now)) == "is taken by sigwait");
  CHECK(to_string(reaction_to(sigusr2, now)) == "stays pending: blocked");
  ::kill(process.pid(), SIGTERM);
  CHECK(comes_to(process.pid(), 'S'));
}

TEST_CASE("process signals: what a signalfd reads is known") {
  const helper process([] {
    const signal_set wanted{sigusr1, sighup};
    pthread_sigmask(mask_change::block, wanted | signal_set{sigusr2});
    const sigset_t set = wanted.to_sigset();
    ::dup2(::signalfd(-1, &set, 0), 200);
    helper::say_ready();
    wait_for_ever();
  });
  const process_signals now = read_signals(process.pid()).value();
  CHECK(now.by_descriptor == signal_set{sigusr1, sighup});
  CHECK(to_string(reaction_to(sigusr1, now)) == "stays pending: blocked (signalfd)");
  CHECK(to_string(reaction_to(sigusr2, now)) == "stays pending: blocked");
}

TEST_CASE("process signals: one thread that does not block is enough, and each has its own") {
  if (SIGKIT_TESTS_SANITIZE_THREADS) SKIP(own_threads);
  const helper process([] {
    pthread_sigmask(mask_change::block, {sigusr1, sigusr2});
    std::thread other([] {
      pthread_sigmask(mask_change::unblock, {sigusr1});
      helper::say_ready();
      wait_for_ever();
    });
    other.join();
  });
  REQUIRE(comes_to_block(process.pid(), {sigusr1, sigusr2}));
  const process_signals now = read_signals(process.pid()).value();
  REQUIRE(now.threads.size() == 2);
  CHECK(now.count_blocking(sigusr1) == 1);
  CHECK(now.count_blocking(sigusr2) == 2);
  CHECK(reaction_to(sigusr1, now).what == effect::terminate);
  // What a signalfd reads to a thread is what was sent to the one that reads it: not known.
  process_signals with_descriptor = now;
  with_descriptor.by_descriptor = {sigusr2};
  CHECK(reaction_to(sigusr2, with_descriptor).why == reason::read_by_descriptor);
  CHECK(reaction_to(sigusr2, with_descriptor, now.threads[0]).why == reason::blocked);
  CHECK(reaction_to(sigusr1, now, now.threads[0]) == reaction{effect::pend, reason::blocked});
  CHECK(reaction_to(sigusr1, now, now.threads[1]).what == effect::terminate);
  CHECK(reaction_to(sigusr2, now) == reaction{effect::pend, reason::blocked});
  // The ID of a thread stands for its process.
  CHECK(read_signals(now.threads[1].status.id)->status.id == process.pid());
  send_thread(process.pid(), now.threads[0].status.id, sigusr1);
  const process_signals after = read_signals(process.pid()).value();
  CHECK(after.count_pending(sigusr1) == 1);
  CHECK(after.threads[0].status.pending == signal_set{sigusr1});
  CHECK(after.status.shared_pending.empty());
}

TEST_CASE("process signals: of a first thread that has ended, nothing counts") {
  if (SIGKIT_TESTS_SANITIZE_THREADS) SKIP(own_threads);
  const helper process([] {
    static pthread_t other;
    pthread_sigmask(mask_change::block, {sigusr1});
    ::pthread_create(
        &other, nullptr,
        [](void*) -> void* {
          pthread_sigmask(mask_change::unblock, {sigusr1});
          ::signal(SIGUSR1, &take_nothing);
          helper::say_ready();
          wait_for_ever();
        },
        nullptr);
    ::syscall(SYS_exit, 0); // this thread alone
  });
  REQUIRE(comes_to(process.pid(), 'Z'));
  const process_signals now = read_signals(process.pid()).value();
  REQUIRE(now.threads.size() == 1);
  CHECK(now.threads.front().status.id != process.pid());
  CHECK(now.status.caught.contains(sigusr1));
  CHECK(now.count_blocking(sigusr1) == 0);
  CHECK(reaction_to(sigusr1, now).what == effect::handler);
}

TEST_CASE("process signals: what a first thread that has ended does not block is dropped") {
  if (SIGKIT_TESTS_SANITIZE_THREADS) SKIP(own_threads);
  const helper process([] {
    static pthread_t other;
    ::signal(SIGHUP, SIG_IGN);
    ::pthread_create(
        &other, nullptr,
        [](void*) -> void* {
          pthread_sigmask(mask_change::block, {sighup, sigwinch, sigusr1});
          helper::say_ready();
          wait_for_ever();
        },
        nullptr);
    ::syscall(SYS_exit, 0);
  });
  REQUIRE(comes_to(process.pid(), 'Z'));
  const process_signals now = read_signals(process.pid()).value();
  CHECK(reaction_to(sighup, now) == reaction{effect::none, reason::ignored});
  CHECK(reaction_to(sigwinch, now) == reaction{effect::none, reason::default_ignored});
  CHECK(reaction_to(sigusr1, now) == reaction{effect::pend, reason::blocked});
  CHECK(reaction_to(sighup, now, now.threads.front()).what == effect::pend);
  for (const signal_id signal : {sighup, sigwinch, sigusr1})
    ::kill(process.pid(), signal.number());
  CHECK(read_status(process.pid())->shared_pending == signal_set{sigusr1});
}

TEST_CASE("process signals: what waits is known where the first thread has ended") {
  if (SIGKIT_TESTS_SANITIZE_THREADS) SKIP(own_threads);
  const helper process([] {
    static pthread_t other;
    pthread_sigmask(mask_change::block, {sigterm, sighup});
    ::pthread_create(
        &other, nullptr,
        [](void*) -> void* {
          const sigset_t set = signal_set{sighup}.to_sigset();
          ::dup2(::signalfd(-1, &set, 0), 200);
          helper::say_ready();
          for (;;)
            sigwaitinfo({sigterm});
        },
        nullptr);
    ::syscall(SYS_exit, 0);
  });
  REQUIRE(comes_to(process.pid(), 'Z'));
  CHECK(test::eventually(
      [&] { return read_signals(process.pid())->awaited() == signal_set{sigterm}; }));
  const process_signals now = read_signals(process.pid()).value();
  CHECK(now.is_complete);
  CHECK(reaction_to(sigterm, now).what == effect::taken);
  CHECK(reaction_to(sighup, now).why == reason::read_by_descriptor);
}

TEST_CASE("process signals: a process that is gone has no descriptors, however far it was read") {
  if (SIGKIT_TESTS_SANITIZE_THREADS) SKIP(own_threads);
  const helper* process = new helper([] {
    helper::say_ready();
    wait_for_ever();
  });
  const std::string path = "/proc/" + std::to_string(process->pid()) + "/";
  unique_fd descriptors(::open((path + "fd").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  unique_fd threads(::open((path + "task").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  REQUIRE(descriptors.has_value());
  CHECK(proc::numbers_in(unique_fd(::fcntl(threads.get(), F_DUPFD_CLOEXEC, 0))).size() == 1);
  delete process; // killed and reaped
  CHECK(proc::numbers_in(std::move(descriptors)).empty());
  CHECK(proc::numbers_in(std::move(threads)).empty());
}

TEST_CASE("process signals: who traces a process decides") {
  const helper process([] {
    ::signal(SIGHUP, SIG_IGN);
    pthread_sigmask(mask_change::block, {sigusr2});
    helper::say_ready();
    wait_for_ever();
  });
  if (::ptrace(PTRACE_SEIZE, process.pid(), nullptr, nullptr) != 0) SKIP("nothing may be traced");
  const process_signals now = read_signals(process.pid()).value();
  CHECK(now.status.tracer == ::getpid());
  CHECK(to_string(reaction_to(sighup, now)) == "its tracer decides"); // although it is ignored
  CHECK(reaction_to(sigterm, now).what == effect::traced);
  CHECK(reaction_to(sigusr2, now).what == effect::pend);
  CHECK(reaction_to(sigkill, now).what == effect::terminate);
  ::kill(process.pid(), SIGHUP);
  int status = 0;
  REQUIRE(::waitpid(process.pid(), &status, __WALL) == process.pid());
  CHECK(WIFSTOPPED(status));
  CHECK(WSTOPSIG(status) == SIGHUP);
}

TEST_CASE("process signals: what has ended gets nothing, and what is gone is nothing") {
  if (SIGKIT_TESTS_SANITIZE_THREADS) SKIP(own_threads);
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  REQUIRE(comes_to(pid, 'Z'));
  const process_signals now = read_signals(pid).value();
  CHECK(now.threads.empty());
  CHECK(to_string(reaction_to(sigkill, now)) == "nothing: it has ended");
  CHECK(now.count_blocking(sigterm) == 0);
  ::waitpid(pid, nullptr, 0);
  CHECK_FALSE(read_signals(pid));
}

TEST_CASE("process signals: PID 1 of a namespace gets what it catches, and KILL from outside") {
  process_signals now;
  now.status.id = 1;
  now.status.is_init = true;
  now.status.caught = {sigterm};
  now.threads.push_back({now.status, {}});
  CHECK(to_string(reaction_to(sighup, now)) == "nothing: PID 1 does not catch it");
  CHECK(reaction_to(sigkill, now) == reaction{effect::none, reason::is_init});
  CHECK(reaction_to(sigterm, now).what == effect::handler);
  now.status.id = 4711; // as it is seen from an outer namespace
  CHECK(reaction_to(sighup, now) == reaction{effect::none, reason::is_init});
  CHECK(reaction_to(sigkill, now).what == effect::terminate);
  CHECK(reaction_to(sigstop, now).what == effect::stop);
}

TEST_CASE("process signals: each outcome has its words") {
  CHECK(to_string(reaction{effect::handler, reason::none}) == "runs its handler");
  CHECK(to_string(reaction{effect::handler, reason::none, true}) ==
        "continues it, runs its handler");
  CHECK(to_string(reaction{effect::terminate, reason::none}) == "terminates it");
  CHECK(to_string(reaction{effect::core, reason::none}) == "terminates it (core)");
  CHECK(to_string(reaction{effect::stop, reason::none}) == "stops it");
  CHECK(to_string(reaction{effect::stop, reason::default_stop}) == "stops it (if not orphaned)");
  CHECK(to_string(reaction{effect::resume, reason::none}) == "continues it");
  CHECK(to_string(reaction{effect::pend, reason::blocked, true}) ==
        "continues it, stays pending: blocked");
  CHECK(to_string(reaction{effect::pend, reason::is_stopped}) == "stays pending: it is stopped");
  CHECK(to_string(reaction{effect::none, reason::ignored}) == "nothing: ignored");
  CHECK(to_string(reaction{effect::none, reason::default_ignored}) ==
        "nothing: ignored by default");
  CHECK(to_string(reaction{effect::none, reason::not_stopped}) == "nothing: it is not stopped");
}
