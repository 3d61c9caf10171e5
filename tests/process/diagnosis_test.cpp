#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

#include <sigkit/diagnosis.hpp>

#include "support/child.hpp"
#include "system_call.hpp"

using namespace sigkit;

namespace {

/// A pipe whose ends nobody else holds.
struct empty_pipe {
  empty_pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    read_end.reset(ends[0]);
    write_end.reset(ends[1]);
  }
  unique_fd read_end;
  unique_fd write_end;
};

/// A copy of this process that does `body` and then waits for ever. Killed when out of scope.
class copy {
public:
  explicit copy(const std::function<void()>& body) : pid_(::fork()) {
    REQUIRE(pid_ >= 0);
    if (pid_ != 0) return;
    body();
    for (;;)
      ::pause();
  }
  copy(const copy&) = delete;
  copy& operator=(const copy&) = delete;
  ~copy() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

private:
  pid_t pid_;
};

std::optional<process_diagnosis> find(pid_t pid) {
  const auto tree = diagnose(::getpid());
  const auto found = std::find_if(tree.begin(), tree.end(),
                                  [&](const auto& process) { return process.facts.pid == pid; });
  return found == tree.end() ? std::nullopt : std::optional(*found);
}

std::string link_of(const unique_fd& descriptor) {
  char target[64];
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor.get());
  const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
  return {target, static_cast<std::size_t>(size)};
}

bool system_calls_are_shown() {
  return ::access("/proc/self/syscall", R_OK) == 0;
}

bool is_in_read(const thread_diagnosis& thread) {
  return thread.state == 'S' && thread.system_call == "read";
}

std::vector<int> depths(const std::vector<process_diagnosis>& tree) {
  std::vector<int> result;
  result.reserve(tree.size());
  for (const process_diagnosis& process : tree)
    result.push_back(process.depth);
  return result;
}

void* read_a_byte(void* descriptor) {
  char byte = 0;
  for (;;)
    if (::read(*static_cast<int*>(descriptor), &byte, 1) == 0) ::pause();
}

} // namespace

TEST_CASE("diagnosis: a read is told with its descriptor and what that is") {
  if (!system_calls_are_shown()) SKIP("this kernel does not show system calls");
  const empty_pipe ends;
  int descriptor = ends.read_end.get();
  const copy reader([&] { read_a_byte(&descriptor); });
  std::optional<process_diagnosis> found;
  REQUIRE(test::eventually([&] {
    found = find(reader.pid());
    return found && is_in_read(found->threads.front());
  }));
  const thread_diagnosis& thread = found->threads.front();
  CHECK(thread.id == reader.pid());
  CHECK(thread.name == found->facts.name);
  CHECK(thread.first_argument == static_cast<std::uint64_t>(descriptor));
  CHECK(thread.waits_on == link_of(ends.read_end));
  CHECK(thread.waits_on.starts_with("pipe:["));
  CHECK(thread.wait_channel != "0");
  CHECK(found->depth == 0);
  CHECK(found->facts.parent == ::getpid());
  CHECK(found->memory > 0);
}

TEST_CASE("diagnosis: a call whose first argument is no descriptor waits on none") {
  if (!system_calls_are_shown()) SKIP("this kernel does not show system calls");
  const empty_pipe ends;
  pollfd source{ends.read_end.get(), POLLIN, 0};
  const copy poller([&] { ::ppoll(&source, 1, nullptr, nullptr); });
  REQUIRE(test::eventually([&] {
    const auto found = find(poller.pid());
    return found && found->threads.front().system_call == "ppoll";
  }));
  CHECK(find(poller.pid())->threads.front().waits_on.empty());
}

TEST_CASE("diagnosis: a stopped process is in state T") {
  const copy stopped([] { ::raise(SIGSTOP); });
  CHECK(test::eventually([&] {
    const auto found = find(stopped.pid());
    return found && found->facts.state == 'T' && found->threads.front().state == 'T';
  }));
}

TEST_CASE("diagnosis: each thread is told, the first one first") {
  if (!system_calls_are_shown()) SKIP("this kernel does not show system calls");
  const empty_pipe ends;
  int descriptor = ends.read_end.get();
  const copy process([&] {
    pthread_t thread{};
    ::pthread_create(&thread, nullptr, &read_a_byte, &descriptor);
    ::pthread_setname_np(thread, "reader");
  });
  std::optional<process_diagnosis> found;
  const auto is_reader = [](const thread_diagnosis& thread) {
    return is_in_read(thread) && thread.name == "reader";
  };
  REQUIRE(test::eventually([&] {
    found = find(process.pid());
    return found && std::count_if(found->threads.begin(), found->threads.end(), is_reader) == 1;
  }));
  CHECK(found->threads.front().id == process.pid());
  CHECK_FALSE(is_reader(found->threads.front()));
  const auto reader = std::find_if(found->threads.begin(), found->threads.end(), is_reader);
  CHECK(reader->id != process.pid());
  CHECK(reader->waits_on == link_of(ends.read_end));
}

TEST_CASE("diagnosis: a first thread that has ended leaves the others to be told") {
  test::child job({test::program("probe"), "threads"});
  job.wait_for_line("ready");
  CHECK(test::eventually([&] {
    const auto found = find(job.pid());
    return found && found->threads.size() > 1 && found->threads.front().state == 'Z';
  }));
}

TEST_CASE("diagnosis: signals that are caught, ignored, blocked and pending") {
  empty_pipe ends;
  const copy process([&] {
    ::signal(SIGUSR1, [](int) {});
    ::signal(SIGHUP, SIG_IGN);
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGUSR2);
    ::sigaddset(&set, SIGWINCH);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    ::kill(::getpid(), SIGUSR2);
    ::raise(SIGWINCH);
    ends.write_end.reset();
  });
  ends.write_end.reset();
  char byte = 0;
  REQUIRE(::read(ends.read_end.get(), &byte, 1) == 0); // closed: all is set
  const auto found = find(process.pid());
  REQUIRE(found);
  CHECK(found->caught.contains(sigusr1));
  CHECK_FALSE(found->caught.contains(sighup));
  CHECK(found->ignored.contains(sighup));
  CHECK(found->blocked == signal_set{sigusr2, sigwinch});
  CHECK(found->pending == signal_set{sigusr2, sigwinch});
  CHECK(found->threads.front().blocked == found->blocked);
  CHECK(found->threads.front().pending == signal_set{sigwinch});
}

TEST_CASE("diagnosis: a tree comes depth first, and a subtree can be left out") {
  const std::string tree = "sh -c 'sleep 1000 & sleep 1000 & wait' & sleep 1000 & wait";
  test::child first({"sh", "-c", tree});
  REQUIRE(test::eventually([&] {
    return depths(diagnose(::getpid())) == std::vector<int>{0, 1, 2, 2, 1};
  }));
  test::child second({"sleep", "1000"});
  const auto all = diagnose(::getpid());
  REQUIRE(depths(all) == std::vector<int>{0, 1, 2, 2, 1, 0});
  CHECK(depths(diagnose(::getpid(), first.pid())) == std::vector<int>{0});
  CHECK(depths(diagnose(::getpid(), second.pid())) == std::vector<int>{0, 1, 2, 2, 1});
  CHECK(depths(diagnose(::getpid(), all[1].facts.pid)) == std::vector<int>{0, 1, 0});
  CHECK(depths(diagnose(::getpid(), ::getpid())) == depths(all));
  CHECK(depths(diagnose(first.pid())) == std::vector<int>{0, 1, 1, 0});
  for (const process_diagnosis& process : all)
    ::kill(process.facts.pid, SIGKILL);
}

TEST_CASE("diagnosis: what has ended and was not waited for is a zombie") {
  const copy ended([] { ::_exit(0); });
  siginfo_t info{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(ended.pid()), &info, WEXITED | WNOWAIT) == 0);
  const auto found = find(ended.pid());
  REQUIRE(found);
  CHECK(found->facts.state == 'Z');
  CHECK(found->command_line.empty());
  CHECK(found->memory == 0);
  REQUIRE(found->threads.size() == 1);
  CHECK(found->threads.front().system_call.empty());
}

TEST_CASE("diagnosis: a command line is as it is, control characters and empty words too") {
  const std::vector<std::string> words{test::program("probe"), "ignore", "HUP", "a\nb\x1b[31m", ""};
  test::child job(words);
  job.wait_for_line("ready");
  const auto found = find(job.pid());
  REQUIRE(found);
  CHECK(found->command_line == words);
}

TEST_CASE("diagnosis: what a process has used, and for how long it is there") {
  const copy busy([] {
    for (;;)
      ::getppid();
  });
  CHECK(test::eventually([&] {
    const auto found = find(busy.pid());
    return found && found->cpu_time > duration::zero() && found->age > duration::zero();
  }));
  // A tick is the unit of both, so two of them may be missing.
  const auto found = find(busy.pid());
  CHECK(found->cpu_time <= found->age + std::chrono::milliseconds(20));
}

TEST_CASE("diagnosis: a wide tree is told whole") {
  const std::string mark = test::new_mark();
  test::child job({"bash", "-c", "for i in {1..500}; do sleep 1000 & done; echo ready; wait"},
                  {.environment = {mark}, .before_exec = {}, .argv0 = {}});
  job.wait_for_line("ready");
  CHECK(diagnose(::getpid()).size() == 501);
  test::kill_marked(mark);
}

TEST_CASE("diagnosis: of what has ended, there is nothing to tell") {
  CHECK(diagnose(0x3fffff).empty());
  CHECK(diagnose(::getpid()).empty());
}

TEST_CASE("diagnosis: system calls have their names, unknown ones their numbers") {
  CHECK(system_call_name(SYS_read) == "read");
  CHECK(system_call_name(SYS_futex) == "futex");
  CHECK(system_call_name(SYS_ppoll) == "ppoll");
  CHECK(system_call_name(SYS_pidfd_open) == "pidfd_open");
  CHECK(system_call_name(123456) == "123456");
  CHECK(waits_for_descriptor("accept4"));
  CHECK_FALSE(waits_for_descriptor("futex"));
}
