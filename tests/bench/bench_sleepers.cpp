// bench_sleepers COUNT: makes so many children that sleep, says "ready" when all of them do, and
// sleeps as well. TERM ends each of them, and an alarm does after two minutes. Where not all can be
// made it leaves none, and exits with 3.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

constexpr unsigned lifetime = 120; ///< seconds
constexpr int failed = 1;
constexpr int no_room = 3;

[[noreturn]] void sleep_until_signalled() {
  ::alarm(lifetime);
  for (;;)
    ::pause();
}

/// A child, which writes a byte to this pipe when it stands; -1 where there is no room for it.
pid_t make_sleeper(const int (&standing)[2]) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  if (::write(standing[1], "", 1) != 1) ::_exit(failed);
  ::close(standing[0]);
  ::close(standing[1]);
  sleep_until_signalled();
}

[[noreturn]] void leave_none(const std::vector<pid_t>& sleepers) {
  std::perror("bench_sleepers: fork");
  for (const pid_t sleeper : sleepers)
    ::kill(sleeper, SIGKILL);
  for (const pid_t sleeper : sleepers)
    ::waitpid(sleeper, nullptr, 0);
  ::_exit(no_room);
}

} // namespace

int main(int argc, char** argv) {
  const auto count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 0;
  int standing[2];
  if (::pipe(standing) != 0) return failed;
  ::alarm(lifetime);
  std::vector<pid_t> sleepers;
  sleepers.reserve(count);
  while (sleepers.size() < count) {
    const pid_t sleeper = make_sleeper(standing);
    if (sleeper < 0) leave_none(sleepers);
    sleepers.push_back(sleeper);
  }
  char byte = 0;
  for (std::size_t i = 0; i < count; ++i)
    if (::read(standing[0], &byte, 1) != 1) return failed;
  if (::write(STDOUT_FILENO, "ready\n", 6) != 6) return failed;
  sleep_until_signalled();
}
