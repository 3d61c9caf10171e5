#include <sigkit/spawn.hpp>

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <sigkit/mask.hpp>

#include "system.hpp"

// The child runs in this process's memory until it executes the program: it writes its failure
// where the parent reads it, and the sanitizers must not count its stack as the parent's.
#define SIGKIT_IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined"), noinline))

#ifdef __GLIBC__
// clone(2) and sigaction(2) by the other names that the C library has for them. The thread
// sanitizer's own keep books in memory, which the child shares here: it would take the parent for
// one that is forking, and its handlers for reset, and no signal would come to it any more.
extern "C" {
int __clone(int (*)(void*), void*, int, void*, ...);              // NOLINT
int __sigaction(int, const struct sigaction*, struct sigaction*); // NOLINT
}
constexpr auto make_process = &__clone;
constexpr auto change_action = &__sigaction;
#else
constexpr int (*make_process)(int (*)(void*), void*, int, void*, ...) = &::clone;
constexpr int (*change_action)(int, const struct sigaction*, struct sigaction*) = &::sigaction;
#endif

namespace sigkit {

namespace {

struct start {
  char* const* argv;
  const char* search_path;
  const spawn_options* options;
  char* const* environment;
  std::uint64_t mask; ///< all 64 bits: sigprocmask(3) would leave out 32 and 33
  pid_t parent;
  int exec_error = 0;
  int setup_error = 0;               ///< errno of what came before
  const char* setup_call = nullptr;  ///< and what that was
  std::array<char, PATH_MAX> path{}; ///< what was last tried
};

SIGKIT_IN_CHILD void set_dispositions(const spawn_options& options) {
  struct sigaction action;
  for (int number = 1; number <= signal_id::highest; ++number) {
    const signal_id signal(number);
    void (*wanted)(int) = nullptr;
    if (options.ignore.contains(signal))
      wanted = SIG_IGN;
    else if (options.reset.contains(signal))
      wanted = SIG_DFL;
    else if (options.catches_none || change_action(number, nullptr, &action) != 0 ||
             action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN)
      continue;
    else
      wanted = SIG_DFL; // caught: must not run here, once the mask is lifted
    std::memset(&action, 0, sizeof action);
    action.sa_handler = wanted;
    change_action(number, &action, nullptr);
  }
}

/// Puts DIRECTORY/FILE into `path`; false where it is too long. An empty directory is the
/// working directory.
SIGKIT_IN_CHILD bool join(std::array<char, PATH_MAX>& path, std::string_view directory,
                          std::string_view file) {
  if (directory.size() + file.size() + 2 > path.size()) return false;
  char* at = path.data();
  if (!directory.empty()) {
    std::memcpy(at, directory.data(), directory.size());
    at += directory.size();
    *at++ = '/';
  }
  std::memcpy(at, file.data(), file.size());
  at[file.size()] = '\0';
  return true;
}

/// execve(2) along the search path, as execvp(3): goes on past what is not there and what may not
/// be executed, and remembers the latter. Returns errno.
SIGKIT_IN_CHILD int execute(start& begin) {
  const std::string_view file = begin.argv[0];
  if (file.empty()) return ENOENT;
  if (file.find('/') != std::string_view::npos) {
    if (!join(begin.path, {}, file)) return ENAMETOOLONG;
    ::execve(begin.path.data(), begin.argv, begin.environment);
    return errno;
  }
  bool denied = false;
  std::string_view rest = begin.search_path;
  for (bool more = true; more;) {
    const std::size_t end = rest.find(':');
    const std::string_view directory = rest.substr(0, end);
    more = end != std::string_view::npos;
    if (more) rest.remove_prefix(end + 1);
    if (!join(begin.path, directory, file)) continue;
    ::execve(begin.path.data(), begin.argv, begin.environment);
    switch (errno) {
    case EACCES: denied = true; break;
    case ENOENT:
    case ENOTDIR:
    case ESTALE:
    case ENODEV:
    case ETIMEDOUT: break;
    default: return errno;
    }
  }
  return denied ? EACCES : ENOENT;
}

/// Moves this process into a cgroup: 0 is who writes.
SIGKIT_IN_CHILD bool join_cgroup(int directory) {
  const int file = ::openat(directory, "cgroup.procs", O_WRONLY | O_CLOEXEC);
  return file >= 0 && ::write(file, "0", 1) == 1;
}

SIGKIT_IN_CHILD bool place_descriptors(const spawn_options& options) {
  // A lambda would be instrumented by the sanitizers. NOLINTNEXTLINE(readability-use-anyofallof)
  for (const auto& [from, to] : options.descriptors) {
    const bool placed = from == to ? ::fcntl(to, F_SETFD, 0) == 0 : ::dup2(from, to) >= 0;
    if (!placed) return false;
  }
  return true;
}

/// Session, group, cgroup and descriptors; says in `begin` what failed.
SIGKIT_IN_CHILD void set_up(start& begin) {
  const spawn_options& options = *begin.options;
  if (options.new_session && ::setsid() < 0)
    begin.setup_call = "setsid(2)";
  else if (options.group && ::setpgid(0, *options.group) != 0)
    begin.setup_call = "setpgid(2)";
  else if (options.control_group != nullptr && !join_cgroup(options.control_group->descriptor()))
    begin.setup_call = "write(2) to cgroup.procs";
  else if (!place_descriptors(options))
    begin.setup_call = "dup2(2)";
  else {
    if (options.take_terminal) ::ioctl(STDIN_FILENO, TIOCSCTTY, 0);
    return;
  }
  begin.setup_error = errno;
  ::_exit(127);
}

SIGKIT_IN_CHILD int run_child(void* argument) {
  start& begin = *static_cast<start*>(argument);
  const spawn_options& options = *begin.options;
  set_dispositions(options);
  set_up(begin);
  if (options.parent_death != signull) {
    ::prctl(PR_SET_PDEATHSIG, options.parent_death.number());
    // It ended before the signal was asked for; 0: it is in another PID namespace than the child.
    const pid_t parent = ::getppid();
    if (parent != begin.parent && parent != 0) ::_exit(127);
  }
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &begin.mask, nullptr, sizeof begin.mask);
  begin.exec_error = execute(begin);
  ::_exit(127);
}

/// One try. A child that could not execute the program has been reaped when this returns.
spawn_result try_once(start& begin) {
  // The parent does not run before the child is done with this stack.
  alignas(16) std::array<char, 16384> stack;
  int descriptor = -1;
  begin.exec_error = 0;
  const int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
  const pid_t pid =
      make_process(&run_child, stack.data() + stack.size(), flags, &begin, &descriptor);
  if (pid < 0) fail(errno, "clone(2)");
  unique_fd handle(descriptor);
  if (begin.exec_error == 0 && begin.setup_error == 0) return {pidfd(pid, std::move(handle)), 0};
  int status = 0;
  sys::retry([&] { return ::waitpid(pid, &status, 0); });
  if (begin.setup_error != 0)
    fail(begin.setup_error, std::string(begin.setup_call) + " for the child " + begin.argv[0]);
  return {std::nullopt, begin.exec_error};
}

spawn_result start_program(char* const* argv, const spawn_options& options) {
  if (argv == nullptr || argv[0] == nullptr) fail(EINVAL, "spawn of no program");
  if (!signal_id::from_number(options.parent_death.number()))
    fail(EINVAL, "spawn with parent death signal " + options.parent_death.name());
  const char* search_path = ::getenv("PATH");
  start begin{.argv = argv,
              .search_path = search_path != nullptr ? search_path : "/bin:/usr/bin",
              .options = &options,
              .environment = options.environment != nullptr ? options.environment : environ,
              .mask = {},
              .parent = ::getpid()};
  begin.mask = options.mask.value_or(detail::change_mask(mask_change::block, {})).mask();
  // Until the child has reset its dispositions, nothing may be delivered to it.
  const scoped_mask blocked(mask_change::block, signal_set::all());
  spawn_result result = try_once(begin);
  if (result.exec_error != ENOEXEC) return result;

  std::string shell = "/bin/sh";
  std::string script = begin.path.data();
  std::vector<char*> shell_argv{shell.data(), script.data()};
  for (char* const* argument = argv + 1; *argument != nullptr; ++argument)
    shell_argv.push_back(*argument);
  shell_argv.push_back(nullptr);
  begin.argv = shell_argv.data();
  return try_once(begin);
}

} // namespace

spawn_result detail::spawn(failure& why, char* const* argv, const spawn_options& options) noexcept {
  return at_border(why, [&] { return start_program(argv, options); });
}

} // namespace sigkit
