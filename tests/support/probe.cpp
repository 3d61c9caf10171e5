// A program for the tests to watch. It says what it finds, when it is ready, and what it gets.
//
//   probe report              the mask, dispositions and ids that it was started with
//   probe catch [SIG:CODE]... "ready PID", then "got NAME" for each signal; exits with CODE when
//                             SIG comes
//   probe ignore SIGS         ignores these, "ready PID", and waits
//   probe handle SIGS         catches these by handlers, "ready PID", then "handled NUMBER"
//   probe values SIG          "ready PID", then "value N" for each SIG that is queued; ends at -1
//   probe hold SIG            blocks it, "ready PID", and takes none
//   probe part SIG            "thread TID" of a second thread, which blocks it, and "ready PID";
//                             that thread ends after USR2
//   probe watched             blocks USR1, "ready PID", and catches TERM after USR2
//   probe two-threads         "thread TID", "ready PID", then "first got NAME", "second got NAME"
//   probe wander              moves between its group and one of its own, for ever
//   probe threads             "ready PID", with a first thread that has ended and one that forks
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include <sigkit/disposition.hpp>
#include <sigkit/mask.hpp>
#include <sigkit/signal_set.hpp>
#include <sigkit/wait.hpp>

namespace {

using namespace sigkit;

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  if (std::fflush(stdout) != 0) ::_exit(98); // nobody listens any more
}

void say_ready() {
  say("ready " + std::to_string(::getpid()));
}

int report() {
  signal_set ignored;
  for (const signal_id signal : signal_set::all())
    if (signal.is_changeable() && get_disposition(signal) == disposition::ignored)
      ignored.insert(signal);
  int death = 0;
  ::prctl(PR_GET_PDEATHSIG, &death);
  say("blocked " + to_string(pthread_sigmask(mask_change::block, {})));
  say("ignored " + to_string(ignored));
  say("parent-death " + signal_id(death).name());
  say(::getpgrp() == ::getpid() ? "leads its group" : "does not lead its group");
  say(::getsid(0) == ::getpid() ? "leads its session" : "does not lead its session");
  return 0;
}

int catch_all(int argc, char** argv) {
  std::map<signal_id, int> exits;
  for (int i = 2; i < argc; ++i) {
    const std::string_view word = argv[i];
    const std::size_t colon = word.find(':');
    exits[parse_signal(word.substr(0, colon)).value()] = std::atoi(argv[i] + colon + 1);
  }
  const signal_set wanted = signal_set::changeable() - signal_set{sigtstp, sigttin, sigttou};
  pthread_sigmask(mask_change::block, wanted);
  say_ready();
  for (;;) {
    const signal_info info = sigwaitinfo(wanted);
    say("got " + info.signal.name());
    // At once: a sanitizer's search for leaks stops the process, and hangs where a CONT undoes
    // that.
    if (const auto found = exits.find(info.signal); found != exits.end()) ::_exit(found->second);
  }
}

int ignore(const char* signals) {
  const auto set = parse_signal_set(signals);
  for (const signal_id signal : set.value())
    set_ignored(signal);
  say_ready();
  for (;;)
    ::pause();
}

void tell_handled(int number) {
  const std::string line = "handled " + std::to_string(number) + "\n";
  [[maybe_unused]] const ssize_t count = ::write(1, line.data(), line.size());
}

int handle(const char* signals) {
  const auto set = parse_signal_set(signals);
  for (const signal_id signal : set.value())
    ::signal(signal.number(), &tell_handled);
  say_ready();
  for (;;)
    ::pause();
}

int tell_values(const char* name) {
  const signal_set wanted{parse_signal(name).value()};
  pthread_sigmask(mask_change::block, wanted);
  say_ready();
  for (;;) {
    const signal_info info = sigwaitinfo(wanted);
    say("value " + std::to_string(info.value));
    if (info.value == -1) ::_exit(0);
  }
}

int hold(const char* name) {
  pthread_sigmask(mask_change::block, {parse_signal(name).value()});
  say_ready();
  for (;;)
    ::pause();
}

volatile sig_atomic_t is_over = 0;

void* hold_in_thread(void* signal) {
  pthread_sigmask(mask_change::block, {*static_cast<signal_id*>(signal)});
  say("thread " + std::to_string(::gettid()));
  say_ready();
  while (is_over == 0)
    ::usleep(1000);
  return nullptr;
}

int part(const char* name) {
  signal_id signal = parse_signal(name).value();
  ::signal(SIGUSR2, [](int) { is_over = 1; });
  pthread_t other;
  ::pthread_create(&other, nullptr, &hold_in_thread, &signal);
  for (;;)
    ::pause();
}

int be_watched() {
  pthread_sigmask(mask_change::block, {sigusr1});
  ::signal(SIGUSR2, [](int) { ::signal(SIGTERM, &tell_handled); });
  say_ready();
  for (;;)
    ::pause();
}

void wait_as(const char* who) {
  const signal_set wanted{sigusr1, sigusr2};
  for (;;)
    say(who + std::string(" got ") + sigwaitinfo(wanted).signal.name());
}

void* be_second_thread(void* /*nothing*/) {
  say("thread " + std::to_string(::gettid()));
  say_ready();
  wait_as("second");
  return nullptr;
}

int two_threads() {
  pthread_sigmask(mask_change::block, {sigusr1, sigusr2});
  pthread_t other;
  ::pthread_create(&other, nullptr, &be_second_thread, nullptr);
  wait_as("first");
  return 0;
}

int wander() {
  const pid_t group = ::getpgrp();
  for (;;) {
    ::setpgid(0, 0);
    ::setpgid(0, group);
  }
}

void* fork_now_and_then(void*) {
  say_ready();
  for (;;) {
    if (::fork() == 0) {
      ::usleep(2000);
      ::_exit(0);
    }
    ::usleep(1000);
  }
}

int first_thread_ends() {
  ::signal(SIGCHLD, SIG_IGN);
  pthread_t other;
  ::pthread_create(&other, nullptr, &fork_now_and_then, nullptr);
  ::pthread_exit(nullptr);
}

} // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  ::prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY); // where Yama lets ancestors alone look
  if (what == "report") return report();
  if (what == "catch") return catch_all(argc, argv);
  if (what == "ignore" && argc > 2) return ignore(argv[2]);
  if (what == "handle" && argc > 2) return handle(argv[2]);
  if (what == "values" && argc > 2) return tell_values(argv[2]);
  if (what == "hold" && argc > 2) return hold(argv[2]);
  if (what == "part" && argc > 2) return part(argv[2]);
  if (what == "watched") return be_watched();
  if (what == "two-threads") return two_threads();
  if (what == "wander") return wander();
  if (what == "threads") return first_thread_ends();
  std::fprintf(stderr, "probe: what?\n");
  return 99;
}
