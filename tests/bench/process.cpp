#include "process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>

extern char** environ;

namespace bench {

namespace {

[[noreturn]] void fail(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), what);
}

int null_device() {
  static const int opened = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (opened < 0) fail(errno, "/dev/null");
  return opened;
}

class spawn_actions {
public:
  explicit spawn_actions(const start_options& options) {
    ::posix_spawn_file_actions_init(&files_);
    ::posix_spawnattr_init(&attributes_);
    becomes(null_device(), STDIN_FILENO);
    becomes(options.output < 0 ? null_device() : options.output, STDOUT_FILENO);
    becomes(null_device(), STDERR_FILENO);
    if (options.third >= 0) becomes(options.third, STDERR_FILENO + 1);
    if (options.own_group) ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP);
  }
  spawn_actions(const spawn_actions&) = delete;
  spawn_actions& operator=(const spawn_actions&) = delete;
  ~spawn_actions() {
    ::posix_spawn_file_actions_destroy(&files_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  pid_t spawn(char* const* command) const {
    pid_t child = 0;
    const int error = ::posix_spawn(&child, command[0], &files_, &attributes_, command, environ);
    if (error != 0) fail(error, command[0]);
    return child;
  }

private:
  void becomes(int from, int to) {
    const int error = ::posix_spawn_file_actions_adddup2(&files_, from, to);
    if (error != 0) fail(error, "posix_spawn_file_actions_adddup2");
  }

  posix_spawn_file_actions_t files_{};
  posix_spawnattr_t attributes_{};
};

} // namespace

double now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

void descriptor::close() noexcept {
  if (number_ >= 0) ::close(std::exchange(number_, -1));
}

channel::channel() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail(errno, "pipe2");
  reading = descriptor(ends[0]);
  writing = descriptor(ends[1]);
}

std::string read_some(const descriptor& from) {
  char text[4096];
  ssize_t got = 0;
  do
    got = ::read(from.get(), text, sizeof text);
  while (got < 0 && errno == EINTR);
  if (got < 0) fail(errno, "read");
  return {text, static_cast<std::size_t>(got)};
}

pid_t start(const words& command, const start_options& options) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& word : command)
    arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  return spawn_actions(options).spawn(arguments.data());
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) != child)
    if (errno != EINTR) fail(errno, "waitpid");
  return status;
}

void refuse_status(const words& command, int wait_status) {
  const std::string how = WIFSIGNALED(wait_status)
                              ? fmt::format("killed by signal {}", WTERMSIG(wait_status))
                              : fmt::format("exited with {}", WEXITSTATUS(wait_status));
  throw std::runtime_error(fmt::format("{}: {}", fmt::join(command, " "), how));
}

} // namespace bench
