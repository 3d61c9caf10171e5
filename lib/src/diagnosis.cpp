#include <sigkit/diagnosis.hpp>

#include <climits>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <utility>

#include "proc.hpp"
#include "system.hpp"
#include "system_call.hpp"
#include "text.hpp"
#include "tree_walk.hpp"

namespace sigkit {

namespace {

// A diagnosis comes before the end of a job that is out of time already.
constexpr duration time_limit = std::chrono::seconds(1);
constexpr std::size_t command_line_limit = 16384;

void take_stat(process_diagnosis& process, std::string_view line) {
  static const auto page_size = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  process.cpu_time = proc::from_ticks(proc::stat_field(line, 14) + proc::stat_field(line, 15));
  process.memory = proc::stat_field(line, 24) * page_size;
  process.age = age_of(process.facts);
}

/// "running", "-1 SP PC" (in none), "0 0x3 0x7f…" (in number 0, with these arguments).
void take_system_call(thread_diagnosis& thread, std::string_view text) {
  const auto number = parse_decimal<long>(cut(text, ' '));
  if (!number) return;
  thread.system_call = system_call_name(*number);
  std::string_view argument = cut(text, ' ');
  if (!argument.starts_with("0x")) return;
  argument.remove_prefix(2);
  std::uint64_t value = 0;
  const char* const end = argument.data() + argument.size();
  if (std::from_chars(argument.data(), end, value, 16).ptr == end) thread.first_argument = value;
}

std::string link_target(int directory, const std::string& path) {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlinkat(directory, path.c_str(), target.data(), target.size());
  return {target.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

std::optional<thread_diagnosis> diagnose_thread(int process, pid_t id) {
  const std::string directory = "task/" + std::to_string(id) + "/";
  const auto read = [&](const char* file) {
    return proc::read_text(process, (directory + file).c_str());
  };
  const auto facts = proc::read_stat(process, (directory + "stat").c_str());
  const auto status = parse_process_status(read("status").value_or(""));
  if (!facts || !status) return std::nullopt;
  thread_diagnosis thread;
  thread.id = id;
  thread.name = facts->name;
  thread.state = facts->state;
  thread.blocked = status->blocked;
  thread.pending = status->pending;
  take_system_call(thread, read("syscall").value_or(""));
  thread.wait_channel = read("wchan").value_or("");
  if (thread.wait_channel == "0") thread.wait_channel.clear();
  if (thread.first_argument && waits_for_descriptor(thread.system_call)) {
    const auto descriptor = static_cast<std::uint32_t>(*thread.first_argument);
    thread.waits_on = link_target(process, directory + "fd/" + std::to_string(descriptor));
  }
  return thread;
}

std::vector<thread_diagnosis> diagnose_threads(int process, pid_t first,
                                               sys::clock::time_point deadline) {
  std::vector<pid_t> ids = proc::threads(process);
  std::sort(ids.begin(), ids.end(),
            [&](pid_t a, pid_t b) { return std::pair(a != first, a) < std::pair(b != first, b); });
  std::vector<thread_diagnosis> threads;
  for (const pid_t id : ids) {
    if (!threads.empty() && sys::clock::now() > deadline) break;
    if (auto thread = diagnose_thread(process, id)) threads.push_back(std::move(*thread));
  }
  return threads;
}

/// Reading the command line takes the lock on the memory of its process, and cannot be interrupted.
/// Who sleeps uninterruptibly may hold it; not so who waits for a child of vfork(2).
bool may_hold_memory(const thread_diagnosis& thread) {
  return thread.state == 'D' && thread.system_call != "vfork" &&
         !thread.system_call.starts_with("clone");
}

std::vector<std::string> command_line(int process) {
  const unique_fd file = sys::open_at(process, "cmdline", O_RDONLY);
  if (!file.has_value()) return {};
  std::array<char, command_line_limit> text{};
  const ssize_t size = sys::retry([&] { return ::read(file.get(), text.data(), text.size()); });
  if (size <= 0) return {};
  return proc::words_of({text.data(), static_cast<std::size_t>(size)});
}

std::optional<process_diagnosis> diagnose_process(const process_facts& known,
                                                  sys::clock::time_point deadline) {
  const unique_fd directory = proc::open_process(known.pid);
  if (!directory.has_value()) return std::nullopt;
  const auto stat = proc::read_text(directory.get(), "stat");
  const auto facts = parse_process_stat(stat.value_or(""));
  const auto status = parse_process_status(proc::read_text(directory.get(), "status").value_or(""));
  // Another start time is another process, which has the PID now.
  if (!facts || !status || facts->start_time != known.start_time) return std::nullopt;
  process_diagnosis process;
  process.facts = *facts;
  take_stat(process, *stat);
  process.caught = status->caught;
  process.ignored = status->ignored;
  process.blocked = status->blocked;
  process.pending = status->pending | status->shared_pending;
  process.threads = diagnose_threads(directory.get(), known.pid, deadline);
  if (process.threads.empty()) return std::nullopt; // ended meanwhile
  if (std::none_of(process.threads.begin(), process.threads.end(), may_hold_memory))
    process.command_line = command_line(directory.get());
  return process;
}

/// Depth first; a process whose parent is not among them counts as a child of the root.
std::vector<process_diagnosis> in_tree_order(std::vector<process_diagnosis> found, pid_t except) {
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::pair(a.facts.start_time, a.facts.pid) < std::pair(b.facts.start_time, b.facts.pid);
  });
  std::map<pid_t, std::vector<std::size_t>> children;
  for (const process_diagnosis& process : found)
    children[process.facts.pid];
  std::vector<std::size_t> top;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto parent = children.find(found[i].facts.parent);
    (parent == children.end() ? top : parent->second).push_back(i);
  }
  std::vector<process_diagnosis> result;
  std::vector<std::pair<std::size_t, int>> left; // with their depths, the next one last
  const auto push = [&](const std::vector<std::size_t>& siblings, int depth) {
    for (std::size_t i = siblings.size(); i-- > 0;)
      left.emplace_back(siblings[i], depth);
  };
  for (push(top, 0); !left.empty();) {
    const auto [index, depth] = left.back();
    left.pop_back();
    const pid_t pid = found[index].facts.pid;
    if (pid == except) continue;
    found[index].depth = depth;
    result.push_back(std::move(found[index]));
    push(children[pid], depth + 1);
  }
  return result;
}

} // namespace

std::vector<process_diagnosis> detail::diagnose(failure& why, pid_t root, pid_t except) noexcept {
  return at_border(why, [&]() -> std::vector<process_diagnosis> {
    if (sys::kill(root, signull) == ESRCH) return {};
    const auto deadline = sys::after(sys::clock::now(), time_limit);
    tree_walk walk(root);
    walk.pass(false, deadline);
    std::vector<process_diagnosis> found;
    for (const process_facts& facts : walk.facts())
      if (auto process = diagnose_process(facts, deadline)) found.push_back(std::move(*process));
    return in_tree_order(std::move(found), except);
  });
}

} // namespace sigkit
