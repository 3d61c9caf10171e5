#include <doctest/doctest.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fstream>

#include <sigkit/mask.hpp>
#include <sigkit/spawn.hpp>

#include "support/child.hpp"

using namespace sigkit;

namespace {

/// Starts the words and returns how they ended, or the errno of the start.
struct ending {
  int exec_error = 0;
  std::optional<exit_status> status;
};

ending spawn_and_wait(std::vector<std::string> words, const spawn_options& options = {}) {
  std::vector<char*> argv;
  for (std::string& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  const spawn_result result = spawn(argv.data(), options);
  if (!result.process) return {result.exec_error, std::nullopt};
  int status = 0;
  REQUIRE(::waitpid(result.process->pid(), &status, 0) == result.process->pid());
  return {0, exit_status::from_wait_status(status)};
}

std::string probe_report(const spawn_options& options) {
  test::temporary_directory directory;
  const std::string file = directory.path() + "/out";
  spawn_and_wait({"sh", "-c", "exec " + test::program("probe") + " report >" + file}, options);
  std::ifstream report(file);
  return {std::istreambuf_iterator<char>(report), {}};
}

} // namespace

TEST_CASE("a program is found along PATH and its status comes back") {
  CHECK(spawn_and_wait({"sh", "-c", "exit 3"}).status == exit_status::exited(3));
  CHECK(spawn_and_wait({"/bin/sh", "-c", "kill -9 $$"}).status == exit_status::killed(sigkill));
}

TEST_CASE("what cannot be executed is said with its errno and leaves no child") {
  test::temporary_directory directory;
  const std::string plain = directory.path() + "/plain";
  std::ofstream(plain) << "x";
  CHECK(spawn_and_wait({"no-such-program"}).exec_error == ENOENT);
  CHECK(spawn_and_wait({"/no/such/program"}).exec_error == ENOENT);
  CHECK(spawn_and_wait({""}).exec_error == ENOENT);
  CHECK(spawn_and_wait({"/tmp"}).exec_error == EACCES);
  CHECK(spawn_and_wait({plain}).exec_error == EACCES);
  CHECK(spawn_and_wait({std::string(5000, 'x') + "/y"}).exec_error == ENAMETOOLONG);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
}

TEST_CASE("PATH is searched as execvp does it") {
  test::temporary_directory directory;
  const std::string denied = directory.path() + "/denied";
  const std::string allowed = directory.path() + "/allowed";
  ::mkdir(denied.c_str(), 0700);
  ::mkdir(allowed.c_str(), 0700);
  std::ofstream(denied + "/tool") << "#!/bin/sh\nexit 1\n";
  ::setenv("PATH", (denied + ":/no/such/directory:" + allowed).c_str(), 1);
  CHECK(spawn_and_wait({"tool"}).exec_error == EACCES);
  std::ofstream(allowed + "/tool") << "#!/bin/sh\nexit 4\n";
  ::chmod((allowed + "/tool").c_str(), 0700);
  CHECK(spawn_and_wait({"tool"}).status == exit_status::exited(4));
}

TEST_CASE("a file without an interpreter line is given to the shell") {
  test::temporary_directory directory;
  const std::string script = directory.path() + "/script";
  std::ofstream(script) << "exit $(($1 + $2))\n";
  ::chmod(script.c_str(), 0700);
  CHECK(spawn_and_wait({script, "2", "3"}).status == exit_status::exited(5));
}

TEST_CASE("the child has the mask and the dispositions that were asked for") {
  ::signal(SIGHUP, SIG_IGN);
  ::signal(SIGUSR1, [](int) {});
  spawn_options options;
  options.mask = signal_set{sigusr2, real_time_max()};
  options.ignore = {sigint};
  options.reset = {sighup};
  const std::string report = probe_report(options);
  CHECK(report.find("blocked USR2,RTMAX\n") != std::string::npos);
  CHECK(report.find("ignored INT\n") != std::string::npos);
}

TEST_CASE("what is not asked for is inherited") {
  ::signal(SIGHUP, SIG_IGN);
  pthread_sigmask(mask_change::block, {sigwinch});
  const std::string report = probe_report({});
  CHECK(report.find("blocked WINCH\n") != std::string::npos);
  CHECK(report.find("ignored HUP\n") != std::string::npos);
  CHECK(report.find("parent-death 0\n") != std::string::npos);
  CHECK(pthread_sigmask(mask_change::block, {}) == signal_set{sigwinch});
}

TEST_CASE("the child leads a group or session, and has a parent death signal, on request") {
  spawn_options options;
  options.new_session = true;
  options.parent_death = sigterm;
  const std::string report = probe_report(options);
  CHECK(report.find("\nleads its session") != std::string::npos);
  CHECK(report.find("\nleads its group") != std::string::npos);
  CHECK(report.find("parent-death TERM\n") != std::string::npos);
  options.new_session = false;
  options.group = 0;
  const std::string in_group = probe_report(options);
  CHECK(in_group.find("\nleads its group") != std::string::npos);
  CHECK(in_group.find("does not lead its session") != std::string::npos);
}

TEST_CASE("a child in another PID namespace has a parent death signal too") {
  const pid_t apart = ::fork(); // its children are in the new one
  if (apart == 0) {
    if (::unshare(CLONE_NEWPID) != 0) ::_exit(99);
    std::string program = "/bin/sh", option = "-c", text = "exit 7";
    char* const argv[] = {program.data(), option.data(), text.data(), nullptr};
    spawn_options options;
    options.parent_death = sigterm;
    const spawn_result spawned = spawn(argv, options);
    int status = 0;
    if (!spawned.process || ::waitpid(spawned.process->pid(), &status, 0) < 0) ::_exit(98);
    ::_exit(WEXITSTATUS(status));
  }
  int status = 0;
  REQUIRE(::waitpid(apart, &status, 0) == apart);
  if (WEXITSTATUS(status) == 99) SKIP("no PID namespace can be made here");
  CHECK(WEXITSTATUS(status) == 7);
}

TEST_CASE("descriptors are placed, and an environment is given") {
  const test::temporary_directory directory;
  const std::string path = directory.path() + "/out";
  const unique_fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  std::string variable = "SIGKIT_SAID=hello";
  char* const environment[] = {variable.data(), nullptr};
  spawn_options options;
  options.descriptors = {{file.get(), 7}, {7, 1}, {file.get(), file.get()}};
  options.environment = environment;
  CHECK(spawn_and_wait({"/bin/sh", "-c", "echo $SIGKIT_SAID; echo seven >&7; echo $HOME"}, options)
            .status == exit_status::exited(0));
  std::ifstream written(path);
  const std::string text{std::istreambuf_iterator<char>(written), {}};
  CHECK(text == "hello\nseven\n\n");
  options.descriptors = {{999, 1}};
  CHECK_THROWS_AS(spawn_and_wait({"true"}, options), error);
}
