// latecomer DESCRIPTOR: waits for TERM, and writes when it came: nanoseconds of CLOCK_MONOTONIC.
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &term, nullptr);
  ::alarm(30);
  int number = 0;
  ::sigwait(&term, &number);
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const int descriptor = argc > 1 ? static_cast<int>(std::strtol(argv[1], nullptr, 10)) : 1;
  const long long nanoseconds = now.tv_sec * 1'000'000'000LL + now.tv_nsec;
  return ::dprintf(descriptor, "%lld\n", nanoseconds) > 0 ? 0 : 1;
}
