// A program that makes a tree of processes which are hard to end, and lets the limit strike when
// the tree stands.
//
//   hostile setsid          descendants that lead sessions of their own
//   hostile double          daemons that were forked twice
//   hostile ignoring        every process ignores TERM, INT and HUP
//   hostile stopped         every process but one has stopped itself
//   hostile storm           processes that keep forking and flee into new sessions
//   hostile chain [DEPTH]   each the child of the one before
//   hostile wide [COUNT]    all children of the first
//   hostile root [SECONDS]  becomes root where it is set-user-ID, so that its caller may not signal
//                           it; lives for half a minute
//   hostile traced          a process that stands still, traced by another one
//
// The first process sends ALRM to its parent, sigtimeout, for which the limit is reached then: no
// short limit races with the start. Every process keeps stdin open: where that is a pipe, who reads
// it sees the last one end, and all end where nobody does. All end by themselves after two minutes.
#include <poll.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

constexpr int lifetime = 120;         ///< seconds, of each process
constexpr time_t storm_lifetime = 60; ///< seconds, of all its processes together
constexpr int failed = 96;

int standing[2]; ///< a pipe: each process writes a byte when it stands where it was meant to

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  ::_exit(failed);
}

/// Whether nobody reads what stdin is open to; waits so long for that.
bool is_abandoned(int milliseconds) {
  pollfd watch{STDIN_FILENO, 0, 0};
  return ::poll(&watch, 1, milliseconds) > 0 && (watch.revents & POLLERR) != 0;
}

[[noreturn]] void stay() {
  if (!is_abandoned(-1)) ::pause(); // for the alarm
  ::_exit(0);
}

void say_standing() {
  if (::write(standing[1], "", 1) != 1) ::_exit(failed);
}

void wait_until_standing(int count) {
  char byte = 0;
  while (count-- > 0)
    if (::read(standing[0], &byte, 1) != 1) give_up("read");
}

void fire_limit(pid_t supervisor) {
  if (::kill(supervisor, SIGALRM) != 0) give_up("kill");
}

/// A child that does this, and stays.
template <class Body> pid_t start(Body body) {
  const pid_t child = ::fork();
  if (child < 0) give_up("fork");
  if (child > 0) return child;
  ::alarm(lifetime);
  // Who reads the output sees its end although this process is left behind.
  ::close(STDOUT_FILENO);
  ::close(STDERR_FILENO);
  body();
  stay();
}

void lead_sessions() {
  for (int i = 0; i < 3; ++i) {
    start([] {
      ::setsid();
      start([] {
        ::setsid();
        say_standing();
      });
      say_standing();
    });
  }
  wait_until_standing(6);
}

void become_daemons() {
  for (int i = 0; i < 3; ++i) {
    const pid_t in_between = start([] {
      ::setsid();
      start(say_standing);
      ::_exit(0);
    });
    ::waitpid(in_between, nullptr, 0);
  }
  wait_until_standing(3);
}

void ignore_all() {
  for (const int number : {SIGTERM, SIGINT, SIGHUP})
    ::signal(number, SIG_IGN);
  lead_sessions();
}

void stop_self() {
  ::raise(SIGSTOP);
}

void wait_until_stopped(pid_t child) {
  int status = 0;
  if (::waitpid(child, &status, WUNTRACED) != child || !WIFSTOPPED(status)) ::_exit(failed);
}

char state_of(pid_t process) {
  char path[32];
  char text[256] = "";
  std::snprintf(path, sizeof path, "/proc/%d/stat", process);
  if (std::FILE* file = std::fopen(path, "r")) {
    text[std::fread(text, 1, sizeof text - 1, file)] = '\0';
    std::fclose(file);
  }
  const char* name_end = std::strrchr(text, ')');
  return name_end != nullptr && std::strlen(name_end) > 2 ? name_end[2] : '?';
}

/// The one that does not stop is the one that sees the first process stopped. A stopped one does
/// not end by itself: it sees to that, too.
void stop_all(pid_t supervisor) {
  for (int i = 0; i < 3; ++i)
    wait_until_stopped(start([] {
      wait_until_stopped(start(stop_self));
      stop_self();
    }));
  start([supervisor, first = ::getpid()] {
    while (state_of(first) != 'T')
      ::usleep(1000);
    fire_limit(supervisor);
    ::alarm(0);
    is_abandoned(lifetime * 1000);
    ::kill(0, SIGCONT);
    ::_exit(0);
  });
  stop_self();
}

time_t seconds_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

/// Forks one that does nothing and one that carries on, and ends, again and again. Each waits for
/// the end of the one before it: there are never more than three at a time.
[[noreturn]] void flee(time_t end) {
  for (int moves = 0; seconds_now() < end && !is_abandoned(0); ++moves) {
    if (moves == 3) say_standing();
    ::waitpid(start([] { ::_exit(0); }), nullptr, 0);
    const pid_t before = ::getpid();
    const pid_t next = ::fork();
    if (next != 0) ::_exit(next < 0 ? failed : 0);
    ::alarm(lifetime);
    ::setsid();
    while (::getppid() == before)
      ::usleep(200);
  }
  ::_exit(0);
}

void make_storm() {
  constexpr int streams = 16; // 48 processes at most
  const time_t end = seconds_now() + storm_lifetime;
  for (int i = 0; i < streams; ++i) {
    start([=] {
      if (i % 2 == 0) ::signal(SIGTERM, SIG_IGN);
      flee(end);
    });
  }
  wait_until_standing(streams);
}

void go_down(int depth) {
  if (depth == 0) return;
  start([depth] {
    say_standing();
    go_down(depth - 1);
  });
}

void make_children(int count) {
  for (int i = 0; i < count; ++i)
    start(say_standing);
}

/// The one that traces ends by KILL alone, and what it traces stands still under it.
void be_traced() {
  start([] {
    ::signal(SIGTERM, SIG_IGN);
    const pid_t traced = ::fork();
    if (traced == 0) {
      ::setsid();
      if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) give_up("ptrace");
      ::raise(SIGSTOP);
      stay();
    }
    wait_until_stopped(traced);
    say_standing();
  });
  wait_until_standing(1);
}

} // namespace

int main(int argc, char** argv) {
  const std::string_view kind = argc > 1 ? argv[1] : "";
  const int size = argc > 2 ? static_cast<int>(std::strtol(argv[2], nullptr, 10)) : 0;
  if (kind == "root") {
    if (::setresuid(0, 0, 0) != 0) give_up("setresuid");
    ::alarm(size > 0 ? static_cast<unsigned>(size) : 30U);
    fire_limit(::getppid());
    ::close(STDOUT_FILENO);
    ::close(STDERR_FILENO);
    ::pause();
  }
  const pid_t supervisor = ::getppid();
  ::alarm(lifetime);
  if (::pipe(standing) != 0) give_up("pipe");
  if (kind == "setsid") {
    lead_sessions();
  } else if (kind == "double") {
    become_daemons();
  } else if (kind == "ignoring") {
    ignore_all();
  } else if (kind == "stopped") {
    stop_all(supervisor);
    stay();
  } else if (kind == "traced") {
    be_traced();
  } else if (kind == "storm") {
    make_storm();
  } else if (kind == "chain") {
    const int depth = size > 0 ? size : 200;
    go_down(depth);
    wait_until_standing(depth);
  } else if (kind == "wide") {
    const int count = size > 0 ? size : 500;
    make_children(count);
    wait_until_standing(count);
  } else {
    std::fputs("hostile: no such kind\n", stderr);
    return 2;
  }
  fire_limit(supervisor);
  stay();
}
