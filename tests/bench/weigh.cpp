// weigh COMMAND...: runs it, and writes to descriptor 3 how many minor faults it took, its peak
// memory in KiB, and its wait status. The kernel counts the memory of whoever starts a program as
// that program's own: so this one is small.
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

extern char** environ;

namespace {

constexpr int result = 3;

} // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  pid_t child = 0;
  // It gets no descriptor that the command would not have had.
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addclose(&actions, result);
  const int error = ::posix_spawn(&child, argv[1], &actions, nullptr, argv + 1, environ);
  if (error != 0) {
    ::dprintf(STDERR_FILENO, "weigh: %s: %s\n", argv[1], std::strerror(error));
    return 1;
  }
  int status = 0;
  rusage used{};
  if (::wait4(child, &status, 0, &used) != child) return 1;
  return ::dprintf(result, "%ld %ld %d\n", used.ru_minflt, used.ru_maxrss, status) > 0 ? 0 : 1;
}
