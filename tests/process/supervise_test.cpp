#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <ctime>
#include <fstream>
#include <thread>
#include <vector>

#include <sigkit/sigkit.hpp>

#include "support/child.hpp"
#include "support/supervised.hpp"

using namespace sigkit;
using namespace std::chrono_literals;
using test::supervise;

TEST_CASE("a library user limits a command and learns how it ended") {
  supervise_options options;
  options.limit = 10s;
  const supervise_result result = supervise({"sh", "-c", "exit 3"}, options);
  CHECK(result.how == outcome::exited);
  CHECK(result.command == exit_status::exited(3));
  CHECK_FALSE(result.limit_reached);
}

TEST_CASE("the outcome says what happened first") {
  supervise_options options;
  CHECK(supervise({"sh", "-c", "kill -SEGV $$"}, options).how == outcome::signaled);
  CHECK(supervise({"no-such-program"}, options).how == outcome::not_found);
  CHECK(supervise({"/tmp"}, options).how == outcome::not_executable);
  options.limit = 50ms;
  const supervise_result result = supervise({"sleep", "1000"}, options);
  CHECK(result.how == outcome::timed_out);
  CHECK(result.limit_reached);
  CHECK(result.command == exit_status::killed(sigterm));
}

TEST_CASE("in a program that does more, its group and its other children are left alone") {
  const pid_t other = ::fork();
  if (other == 0) {
    ::pause();
    ::_exit(0);
  }
  const pid_t group = ::getpgrp();
  const std::string mark = test::new_mark();
  ::putenv(const_cast<char*>(mark.c_str()));
  supervise_options options;
  options.limit = 100ms;
  options.reach = scope::tree;
  const supervise_result result =
      supervise({"sh", "-c", "(setsid sleep 1000 &); sleep 1000"}, options);
  CHECK(result.how == outcome::timed_out);
  CHECK(result.command == exit_status::killed(sigterm));
  CHECK(result.survivors.empty());
  CHECK(test::marked_processes(mark).empty());
  CHECK(::getpgrp() == group);
  CHECK(::kill(other, 0) == 0);
  CHECK(::waitpid(other, nullptr, WNOHANG) == 0);
  ::kill(other, SIGKILL);
  CHECK(::waitpid(other, nullptr, 0) == other);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1); // the process in between is reaped
}

TEST_CASE("mask and SIGCHLD are as before when the supervisor is gone") {
  ::signal(SIGCHLD, SIG_IGN);
  pthread_sigmask(mask_change::block, {sigusr1});
  CHECK(supervise({"true"}, {}).command == exit_status::exited(0));
  CHECK(pthread_sigmask(mask_change::block, {}) == signal_set{sigusr1});
  CHECK(get_disposition(sigchld) == disposition::ignored);
}

TEST_CASE("a command's status is not lost where children are reaped by the kernel") {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_NOCLDWAIT;
  REQUIRE(::sigaction(SIGCHLD, &action, nullptr) == 0);
  CHECK(supervise({"sh", "-c", "exit 3"}, {}).command == exit_status::exited(3));
  struct sigaction after {};
  REQUIRE(::sigaction(SIGCHLD, nullptr, &after) == 0);
  CHECK((after.sa_flags & SA_NOCLDWAIT) != 0);
  CHECK((after.sa_handler == action.sa_handler));
}

#if !SIGKIT_TESTS_SANITIZE_THREADS // which makes one of equal signals that it delays
TEST_CASE("timers that share a signal are told apart while a command is supervised") {
  static std::atomic<int> calls = 0;
  ::signal(SIGRTMIN, [](int) { ++calls; });
  sigevent by_signal{};
  by_signal.sigev_notify = SIGEV_SIGNAL;
  by_signal.sigev_signo = SIGRTMIN;
  std::array<timer_t, 2> timers{};
  for (timer_t& timer : timers) {
    REQUIRE(::timer_create(CLOCK_MONOTONIC, &by_signal, &timer) == 0);
    const itimerspec often{{0, 5'000'000}, {0, 5'000'000}};
    REQUIRE(::timer_settime(timer, 0, &often, nullptr) == 0);
  }
  {
    std::string shell = "sh", option = "-c", script = "sleep 0.1";
    char* const argv[] = {shell.data(), option.data(), script.data(), nullptr};
    supervisor supervising({});
    supervising.run(argv);
    for (timer_t& timer : timers)
      ::timer_delete(timer);
    CHECK(calls == 0);
  }
  CHECK(calls >= 2);
  CHECK(calls <= 4); // and what was still pending, before Linux 6.13
}
#endif

TEST_CASE("a ladder goes up step by step while the command lives") {
  test::temporary_directory directory;
  const std::string log = directory.path() + "/log";
  supervise_options options;
  options.signal = sigusr1;
  options.steps = {
      {50ms, sigusr2, std::nullopt}, {50ms, sighup, std::nullopt}, {10s, sigkill, std::nullopt}};
  // ALRM fires the limit, as soon as the traps are set.
  const std::string script = "trap 'echo USR1 >>" + log + "' USR1; trap 'echo USR2 >>" + log +
                             "' USR2; trap 'exit 5' HUP; kill -ALRM $PPID;"
                             "while :; do sleep 0.01; done";
  const supervise_result result = supervise({"sh", "-c", script}, options);
  CHECK(result.command == exit_status::exited(5));
  CHECK(result.limit_reached);
  std::ifstream file(log);
  CHECK(std::string{std::istreambuf_iterator<char>(file), {}} == "USR1\nUSR2\n");
}

TEST_CASE("handlers are called while a command is supervised, and what they throw ends it") {
  const std::string to_us = "kill -CONT " + std::to_string(::getpid()) + "; ";
  std::string mark = test::new_mark();
  ::putenv(mark.data());
  const auto run_shell = [](const std::string& script, scope reach) {
    std::string shell = "/bin/sh", option = "-c", text = script;
    char* const argv[] = {shell.data(), option.data(), text.data(), nullptr};
    supervise_options options;
    options.reach = reach;
    return supervisor(options).run(argv);
  };
  for (const scope reach : {scope::group, scope::tree}) {
    int calls = 0;
    const scoped_handler counts(sigcont, [&](signal_id, const signal_info&) { ++calls; });
    CHECK(run_shell(to_us + "exit 3", reach).command == exit_status::exited(3));
    dispatch();
    CHECK(calls == 1);
    const scoped_handler throws(sigcont, [](signal_id, const signal_info&) { throw 42; });
    CHECK_THROWS_AS(run_shell("sleep 1000 & " + to_us + "sleep 1000", reach), int);
    CHECK(test::eventually([&] { return test::marked_processes(mark).empty(); }));
  }
}

TEST_CASE("what is the program's own stays so while a command is supervised") {
  std::vector<signal_id> calls;
  const auto note = [&](signal_id signal, const signal_info&) { calls.push_back(signal); };
  for (const signal_id signal : {sigprof, sigusr1, sigwinch, sigchld, real_time_min()})
    set_handler(signal, note);
  static std::atomic<int> foreign_calls = 0;
  ::signal(SIGALRM, [](int) { ++foreign_calls; });
  pthread_sigmask(mask_change::unblock, {sigalrm});

  sigevent by_signal{};
  by_signal.sigev_notify = SIGEV_SIGNAL;
  by_signal.sigev_signo = SIGRTMIN;
  timer_t timer{};
  REQUIRE(::timer_create(CLOCK_MONOTONIC, &by_signal, &timer) == 0);
  const itimerspec soon{{0, 0}, {0, 20'000'000}};
  REQUIRE(::timer_settime(timer, 0, &soon, nullptr) == 0);
  setitimer(itimer::profiling, 1ms);
  setitimer(itimer::real, 20ms, 20ms);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);

  // The command ends when all handlers were called, and sends one of the signals itself.
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  set_handler(sigwinch, [&](signal_id signal, const signal_info& info) {
    note(signal, info);
    ::kill(::getpid(), SIGUSR1);
  });
  set_handler(sigusr1, [&](signal_id signal, const signal_info& info) {
    note(signal, info);
    const std::clock_t start = std::clock();
    while (std::clock() - start < CLOCKS_PER_SEC / 10) { // for PROF
    }
    ::close(ends[1]);
  });
  const std::string script =
      "kill -WINCH $PPID; read -r line <&" + std::to_string(ends[0]) + "; sleep 0.1; exit 5";
  ::fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  CHECK(supervise({"sh", "-c", script}, {}).command == exit_status::exited(5));
  setitimer(itimer::real, 0s);
  CHECK(foreign_calls == 1); // of some ten
  dispatch();
  for (const signal_id signal : {sigprof, sigusr1, sigwinch, sigchld, real_time_min()}) {
    CAPTURE(signal.name());
    CHECK(std::find(calls.begin(), calls.end(), signal) != calls.end());
  }
  CHECK(::waitpid(child, nullptr, WNOHANG) == child);
  ::close(ends[0]);
  ::timer_delete(timer);
}

TEST_CASE("the end of a command is seen though another thread takes its SIGCHLD") {
  ::signal(SIGCHLD, [](int) {});
  std::atomic<bool> over = false;
  std::thread other([&] {
    pthread_sigmask(mask_change::block, signal_set::changeable() - signal_set{sigchld});
    while (!over)
      std::this_thread::yield();
  });
  for (int i = 0; i < 20; ++i)
    CHECK(supervise({"sh", "-c", "exit 3"}, {}).command == exit_status::exited(3));
  over = true;
  other.join();
}

TEST_CASE("a supervisor refuses what it could not do later, and a second command") {
  std::string program = "/bin/true";
  char* const argv[] = {program.data(), nullptr};
  char* const none[] = {nullptr};
  supervise_options options;
  options.signal = signal_id(99);
  CHECK_THROWS_AS(supervisor{options}, error);
  options.signal = sigterm;
  options.limit = -1ns;
  CHECK_THROWS_AS(supervisor{options}, error);
  options.limit = 0ns;
  options.steps = {{.after = 1s, .signal = signal_id(-1), .reach = {}}};
  CHECK_THROWS_AS(supervisor{options}, error);
  options.steps = {{.after = -1s, .signal = sigkill, .reach = {}}};
  CHECK_THROWS_AS(supervisor{options}, error);
  options.steps = {};
  supervisor once(options);
  CHECK(once.run(argv).command == exit_status::exited(0));
  CHECK_THROWS_WITH_AS(once.run(argv), "a supervisor that is run a second time: Invalid argument",
                       error);
  CHECK_THROWS_AS(supervisor(options).run(none), error);
}

TEST_CASE("a dedicated process is a subreaper no longer than it supervises") {
  std::string program = "/bin/true";
  char* const argv[] = {program.data(), nullptr};
  supervise_options options;
  options.reach = scope::tree;
  options.dedicated_process = true;
  supervisor(options).run(argv);
  int is_subreaper = -1;
  ::prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper);
  CHECK(is_subreaper == 0);
  CHECK_THROWS_AS(pthread_sigmask(static_cast<mask_change>(99), {sigusr1}), error);
  CHECK(pthread_sigmask(mask_change::block, {}).empty());
  const pid_t gone = pidfd::open(::getpid())->pid() + 0x300000;
  CHECK(descendants(gone).empty());
  CHECK(send_tree(gone, sigterm).sent == 0);
}
