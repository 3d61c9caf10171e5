#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

#include "sigtimeout/diagnosis_text.hpp"

using namespace sigkit;
using namespace std::chrono_literals;
using apps::diagnosis_text;

namespace {

using words = std::vector<std::string>;

thread_diagnosis make_thread(pid_t id, char state, const std::string& call = {},
                             const std::string& channel = {}) {
  thread_diagnosis thread;
  thread.id = id;
  thread.name = "job";
  thread.state = state;
  thread.system_call = call;
  thread.wait_channel = channel;
  return thread;
}

/// A process of one thread, which started `pid` ticks after the system.
process_diagnosis make_process(pid_t pid, int depth, const words& command, char state = 'S') {
  process_diagnosis process;
  process.facts.pid = pid;
  process.facts.name = "job";
  process.facts.state = state;
  process.facts.start_time = static_cast<std::uint64_t>(pid);
  process.facts.threads = 1;
  process.depth = depth;
  process.command_line = command;
  process.threads = {make_thread(pid, state)};
  return process;
}

void read_from(process_diagnosis& process, const std::string& what) {
  thread_diagnosis& thread = process.threads.front();
  thread.system_call = "read";
  thread.first_argument = 0;
  thread.waits_on = what;
}

/// The PIDs of those that are marked.
std::vector<int> marked(const std::vector<process_diagnosis>& tree) {
  std::vector<int> result;
  const std::string text = diagnosis_text(tree);
  for (std::size_t at = text.find("\n* "); at != std::string::npos; at = text.find("\n* ", at + 1))
    if (const long pid = std::strtol(text.c_str() + at + 3, nullptr, 10); pid != 0)
      result.push_back(static_cast<int>(pid));
  return result;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// The text of one process alone.
std::string text_of(const process_diagnosis& process) {
  return diagnosis_text({process});
}

} // namespace

TEST_CASE("diagnosis text: a tree is drawn, with a line for each process and what it waits for") {
  process_diagnosis make = make_process(100, 0, {"make", "-j8"});
  make.threads = {make_thread(100, 'S', "wait4", "do_wait")};
  make.age = 1h + 30min + 5s;
  process_diagnosis shell = make_process(101, 1, {"sh", "-c", "sleep 9; :"});
  shell.caught = {sigint, sigterm};
  shell.blocked = {sigusr1};
  shell.pending = {sigterm};
  process_diagnosis reader = make_process(12345, 2, {"cat"});
  read_from(reader, "pipe:[123]");
  reader.threads.front().wait_channel = "anon_pipe_read";
  reader.memory = 3'276'800;
  process_diagnosis stopped = make_process(103, 1, {"job"}, 'T');
  stopped.cpu_time = 12500ms;
  CHECK(
      diagnosis_text({make, shell, reader, stopped}) ==
      "    PID  STATE       CPU  MEMORY    AGE  COMMAND\n"
      "    100  sleeping  0.00s      0K  1h30m  make -j8\n"
      "                                         │  in wait4 (wait channel do_wait)\n"
      "    101  sleeping  0.00s      0K  0.00s  ├─ sh -c 'sleep 9; :'\n"
      "                                         │  │  catches INT TERM; blocks USR1; pending TERM\n"
      "  12345  sleeping  0.00s    3.1M  0.00s  │  └─ cat\n"
      "                                         │        in read(0) of pipe:[123] (wait channel\n"
      "                                         │          anon_pipe_read)\n"
      "*   103  stopped   12.5s      0K  0.00s  └─ job\n"
      "* look here first: it alone has no child to wait for (readers of pipes aside)\n");
}

TEST_CASE("diagnosis text: of nothing there is nothing to say") {
  CHECK(diagnosis_text({}).empty());
}

TEST_CASE("diagnosis text: the leaf that started last is marked") {
  const auto server = make_process(10, 0, {"server"});
  const auto shell = make_process(11, 0, {"sh"});
  const auto child = make_process(12, 1, {"child"});
  const auto zombie = make_process(13, 1, {}, 'Z');
  CHECK(marked({server}) == std::vector<int>{10});
  CHECK(has(text_of(server), "\n* look here first: it alone has no child to wait for\n"));
  CHECK(marked({shell, child}) == std::vector<int>{12});
  CHECK(marked({shell, zombie}) == std::vector<int>{11});
  CHECK(marked({shell, child, zombie}) == std::vector<int>{12});
  const std::vector several{server, shell, child};
  CHECK(marked(several) == std::vector<int>{12});
  CHECK(has(diagnosis_text(several), "of those without a child to wait for, the last to start\n"));
  CHECK(marked({zombie}).empty());
  CHECK_FALSE(has(text_of(zombie), "look here"));
}

TEST_CASE("diagnosis text: children belong to the process before them") {
  const auto first = make_process(10, 0, {"first"});
  const auto second = make_process(20, 0, {"second"});
  const auto child = make_process(15, 1, {"child"});
  CHECK(marked({first, child, second}) == std::vector<int>{20});
  CHECK(marked({first, second, child}) == std::vector<int>{15});
}

TEST_CASE("diagnosis text: who reads from a pipe is not marked where another can be") {
  const auto job = make_process(10, 0, {"job"});
  auto tee = make_process(11, 0, {"tee", "log"});
  read_from(tee, "pipe:[1]");
  CHECK(marked({job, tee}) == std::vector<int>{10});
  CHECK(marked({tee}) == std::vector<int>{11});
  CHECK_FALSE(has(text_of(tee), "pipes aside"));
  read_from(tee, "/dev/tty");
  CHECK(marked({job, tee}) == std::vector<int>{11});
}

TEST_CASE("diagnosis text: a process lives as long as one of its threads does") {
  auto process = make_process(10, 0, {}, 'Z');
  process.threads.push_back(make_thread(11, 'S', "futex"));
  CHECK(marked({process}) == std::vector<int>{10});
  CHECK(has(text_of(process), "1 thread sleeping, in futex\n"));
}

TEST_CASE("diagnosis text: threads that do the same are told together") {
  auto process = make_process(10, 0, {"job"});
  process.threads = {make_thread(10, 'S', "futex", "futex_wait_queue")};
  for (pid_t id = 11; id < 16; ++id) {
    process.threads.push_back(make_thread(id, 'S', "epoll_wait", "ep_poll"));
    process.threads.back().name = "worker";
  }
  process.threads.push_back(make_thread(16, 'R'));
  process.threads.push_back(make_thread(17, 'D', "fsync"));
  process.threads.back().pending = {sigterm};
  process.facts.threads = 8;
  const std::string text = text_of(process);
  CHECK(has(text, " in futex (wait channel futex_wait_queue)\n"));
  CHECK(has(text, " 5 threads (worker) in epoll_wait (wait channel ep_poll)\n"));
  CHECK(has(text, " 1 thread running\n"));
  CHECK(has(text, " 1 thread disk sleep, in fsync; pending TERM\n"));
  CHECK_FALSE(has(text, "more thread"));
}

TEST_CASE("diagnosis text: threads like the first are told with it, threads not seen are counted") {
  auto process = make_process(10, 0, {"job"});
  process.threads = {make_thread(10, 'S', "futex"), make_thread(11, 'S', "futex")};
  process.facts.threads = 5;
  CHECK(has(text_of(process), " 2 threads in futex\n"));
  CHECK(has(text_of(process), " and 3 more threads\n"));
  for (int number = 0; number < 100; ++number)
    process.threads.push_back(make_thread(20 + number, 'S', std::to_string(1000 + number)));
  const std::string text = text_of(process);
  CHECK(std::count(text.begin(), text.end(), '\n') < 14);
  CHECK(has(text, " and 93 more threads\n"));
}

TEST_CASE("diagnosis text: what others have chosen is escaped") {
  auto process = make_process(10, 0, {"a\nb", "\x1b[31m", "", "it is"});
  process.threads.front().name = "x";
  read_from(process, "/tmp/a\nb");
  const std::string text = text_of(process);
  CHECK(has(text, "  a\\nb \\x1b[31m '' 'it is'\n"));
  CHECK(has(text, "in read(0) of /tmp/a\\nb\n"));
  process.command_line.clear();
  process.facts.name = "x\ny";
  CHECK(has(text_of(process), "  [x\\ny]\n"));
}

TEST_CASE("diagnosis text: a title written over the arguments leaves no empty words") {
  CHECK(has(text_of(make_process(10, 0, {"nginx: worker", "", "", ""})), "  'nginx: worker'\n"));
  CHECK(has(text_of(make_process(10, 0, {"test", ""})), "  test ''\n"));
}

TEST_CASE("diagnosis text: long lines are cut or wrapped at 100 columns") {
  auto process = make_process(10, 0, {"job"});
  for (int i = 0; i < 200; ++i)
    process.command_line[0] += "ä";
  process.caught = {sighup,  sigint,  sigquit, sigill,  sigtrap, sigabrt, sigbus,
                    sigusr1, sigsegv, sigusr2, sigalrm, sigterm, sigwinch};
  std::string text = text_of(process);
  CHECK(has(text, "ä…\n"));
  std::size_t lines = 0;
  for (; !text.empty(); ++lines) {
    const std::string line = text.substr(0, text.find('\n'));
    text.erase(0, line.size() + 1);
    const auto columns = std::count_if(line.begin(), line.end(), [](char byte) {
      return (static_cast<unsigned char>(byte) & 0xc0) != 0x80;
    });
    CHECK(columns <= 100);
  }
  CHECK(lines == 5);
}

TEST_CASE("diagnosis text: a command line of just the room that there is stays whole") {
  const std::string begin = text_of(make_process(10, 0, {"x"}));
  const std::size_t header = begin.find('\n') + 1;
  const std::size_t room = 100 - (begin.find('\n', header) - header - 1);
  CHECK(has(text_of(make_process(10, 0, {std::string(room, 'x')})), std::string(room, 'x') + "\n"));
  CHECK(has(text_of(make_process(10, 0, {std::string(room + 1, 'x')})),
            " " + std::string(room - 1, 'x') + "…\n"));
}

TEST_CASE("diagnosis text: sets of most signals are told by what is missing") {
  auto process = make_process(10, 0, {"job"});
  process.blocked = signal_set::all();
  process.ignored = signal_set::all() - signal_set{sigint, sigterm};
  process.caught = signal_set{signal_id(32), signal_id(33)}; // the C library's own
  CHECK(has(text_of(process), " ignores all but INT TERM; blocks all\n"));
  CHECK_FALSE(has(text_of(process), "catches"));
}

TEST_CASE("diagnosis text: a tree of any depth is drawn") {
  std::vector<process_diagnosis> chain;
  chain.reserve(1000);
  for (int depth = 0; depth < 1000; ++depth)
    chain.push_back(make_process(1000 + depth, depth, {"job"}));
  CHECK(marked(chain) == std::vector<int>{1999});
  CHECK(diagnosis_text(chain).size() < 200'000);
}

TEST_CASE("diagnosis text: lengths and sizes are short") {
  auto process = make_process(10, 0, {"job"});
  const auto with = [&](duration cpu, duration age, std::uint64_t memory) {
    process.cpu_time = cpu;
    process.age = age;
    process.memory = memory;
    return text_of(process);
  };
  CHECK(has(with(250ms, 59s, 524'288), "0.25s    512K  59.0s"));
  CHECK(has(with(5min + 12s, 26h, std::uint64_t{5} << 30), "5m12s    5.0G  1d2h"));
  CHECK(has(with(1h, 24h, 67'108'864), "1h     64M   1d"));
}
