#include <sigkit/process.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <memory>
#include <type_traits>

#include "proc.hpp"
#include "system.hpp"
#include "text.hpp"

namespace sigkit {

namespace {

/// "/proc/self" is right whatever PID namespace /proc belongs to; its target is not.
pid_t pid_by_proc() noexcept {
  std::array<char, 32> target{};
  const ssize_t size = ::readlink("/proc/self", target.data(), target.size());
  if (size <= 0) return 0;
  return parse_decimal<pid_t>({target.data(), static_cast<std::size_t>(size)}).value_or(0);
}

/// Takes the next field of a line whose fields are separated by single spaces.
template <class Integer> Integer next_field(std::string_view& text, bool& good) {
  std::string_view field = cut(text, ' ');
  const bool negative = field.starts_with('-');
  if (negative) field.remove_prefix(1);
  const std::optional<Integer> value = parse_decimal<Integer>(field);
  if (!value) {
    good = false;
    return 0;
  }
  return negative ? static_cast<Integer>(Integer{0} - *value) : *value;
}

} // namespace

std::optional<process_facts> parse_process_stat(std::string_view text) {
  while (text.ends_with('\n'))
    text.remove_suffix(1);
  const std::size_t open = text.find(" (");
  const std::size_t close = text.rfind(") ");
  if (open == std::string_view::npos || close == std::string_view::npos || close < open + 2)
    return std::nullopt;
  process_facts facts;
  const std::optional<pid_t> pid = parse_decimal<pid_t>(text.substr(0, open));
  if (!pid) return std::nullopt;
  facts.pid = *pid;
  facts.name = text.substr(open + 2, close - open - 2);
  std::string_view rest = text.substr(close + 2);
  const std::string_view state = cut(rest, ' ');
  if (state.size() != 1) return std::nullopt;
  facts.state = state.front();

  bool good = true;
  facts.parent = next_field<pid_t>(rest, good);
  facts.group = next_field<pid_t>(rest, good);
  facts.session = next_field<pid_t>(rest, good);
  facts.terminal = next_field<int>(rest, good);
  cut(rest, ' ');                                     // tpgid
  constexpr std::uint32_t kernel_thread = 0x00200000; // PF_KTHREAD of the kernel's sched.h
  facts.kernel = (next_field<std::uint32_t>(rest, good) & kernel_thread) != 0;
  // minflt to nice, fields 10 to 19 of proc(5)
  for (int field = 10; field <= 19; ++field)
    cut(rest, ' ');
  facts.threads = next_field<int>(rest, good);
  cut(rest, ' '); // itrealvalue
  facts.start_time = next_field<std::uint64_t>(rest, good);
  if (!good) return std::nullopt;
  return facts;
}

namespace {

signal_set set_of(std::string_view digits) {
  std::uint64_t mask = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), mask, 16);
  return signal_set::from_mask(mask);
}

/// The kernel writes a line end as \n there, and a backslash as two.
std::string unescaped_name(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escapes = text[i] == '\\' && i + 1 < text.size();
    result += !escapes ? text[i] : text[++i] == 'n' ? '\n' : text[i];
  }
  return result;
}

/// Takes "KEY:\tVALUE". There are some sixty such lines, of which we want these.
void take_line(process_status& status, std::string_view key, std::string_view value) {
  const auto take = [&](auto& field) {
    using integer = std::remove_reference_t<decltype(field)>;
    field = parse_decimal<integer>(value).value_or(field);
  };
  if (key == "Name") {
    status.name = unescaped_name(value);
  } else if (key == "State") {
    status.state = value.empty() ? '\0' : value.front();
  } else if (key == "Tgid") {
    take(status.process);
  } else if (key == "Pid") {
    take(status.id);
  } else if (key == "TracerPid") {
    take(status.tracer);
  } else if (key == "Uid") {
    status.uid = parse_decimal<uid_t>(cut(value, '\t')).value_or(0);
    status.effective_uid = parse_decimal<uid_t>(cut(value, '\t')).value_or(0);
  } else if (key == "NSpid") { // in each namespace, from that of /proc on
    status.is_init = value.substr(value.rfind('\t') + 1) == "1";
  } else if (key == "Threads") {
    take(status.threads);
  } else if (key == "SigQ") {
    status.queued = parse_decimal<std::uint64_t>(cut(value, '/')).value_or(0);
    status.queue_limit = parse_decimal<std::uint64_t>(value).value_or(0);
  } else if (key == "SigPnd") {
    status.pending = set_of(value);
  } else if (key == "ShdPnd") {
    status.shared_pending = set_of(value);
  } else if (key == "SigBlk") {
    status.blocked = set_of(value);
  } else if (key == "SigIgn") {
    status.ignored = set_of(value);
  } else if (key == "SigCgt") {
    status.caught = set_of(value);
  }
}

std::optional<process_status> read_status_at(int directory, const char* path) {
  const std::optional<std::string> text = proc::read_text(directory, path);
  return text ? parse_process_status(*text) : std::nullopt;
}

} // namespace

std::optional<process_status> parse_process_status(std::string_view text) {
  process_status status;
  status.state = '\0';
  while (!text.empty()) {
    std::string_view value = cut(text, '\n');
    const std::string_view key = cut(value, ':');
    while (value.starts_with('\t') || value.starts_with(' '))
      value.remove_prefix(1);
    take_line(status, key, value);
  }
  if (status.id == 0 || status.state == '\0') return std::nullopt;
  if (status.process == 0) status.process = status.id;
  return status;
}

std::optional<process_status> detail::read_status(failure& why, pid_t pid) noexcept {
  return at_border(why, [&]() -> std::optional<process_status> {
    const unique_fd process = proc::open_process(pid);
    if (!process.has_value()) return std::nullopt;
    return read_status_at(process.get(), "status");
  });
}

std::vector<process_status> detail::read_threads(failure& why, pid_t pid) noexcept {
  return at_border(why, [&] {
    std::vector<process_status> result;
    const unique_fd process = proc::open_process(pid);
    if (!process.has_value()) return result;
    std::vector<pid_t> threads = proc::threads(process.get());
    std::sort(threads.begin(), threads.end());
    for (const pid_t thread : threads) {
      const std::string path = "task/" + std::to_string(thread) + "/status";
      if (std::optional<process_status> status = read_status_at(process.get(), path.c_str()))
        result.push_back(std::move(*status));
    }
    return result;
  });
}

std::optional<std::vector<std::string>> detail::read_command_line(failure& why,
                                                                  pid_t pid) noexcept {
  return at_border(why, [&]() -> std::optional<std::vector<std::string>> {
    const unique_fd process = proc::open_process(pid);
    if (!process.has_value()) return std::nullopt;
    const std::optional<std::string> text = proc::read_text(process.get(), "cmdline");
    if (!text) return std::nullopt;
    return proc::words_of(*text);
  });
}

bool proc_is_usable() noexcept {
  return pid_by_proc() == ::getpid();
}

duration age_of(const process_facts& process) noexcept {
  return std::max(proc::since_boot() - proc::from_ticks(process.start_time), duration::zero());
}

std::optional<process_facts> detail::read_process(failure& why, pid_t pid) noexcept {
  return at_border(why, [&]() -> std::optional<process_facts> {
    const unique_fd process = proc::open_process(pid);
    if (!process.has_value()) return std::nullopt;
    return proc::read_stat(process.get(), "stat");
  });
}

std::vector<pid_t> proc::pids() {
  unique_fd directory = sys::open_at(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY);
  if (!directory.has_value()) fail(errno, "open(2) of /proc");
  return numbers_in(std::move(directory));
}

std::vector<process_facts> proc::processes() {
  std::vector<process_facts> result;
  for (const pid_t pid : pids())
    if (std::optional<process_facts> facts = read_process(pid)) result.push_back(std::move(*facts));
  return result;
}

std::vector<process_facts> detail::all_processes(failure& why) noexcept {
  return at_border(why, [] { return proc::processes(); });
}

namespace proc {

unique_fd open_process(pid_t pid) {
  std::array<char, 32> path{};
  std::snprintf(path.data(), path.size(), "/proc/%d", static_cast<int>(pid));
  return sys::open_at(AT_FDCWD, path.data(), O_RDONLY | O_DIRECTORY);
}

std::optional<std::string> read_text(int directory, const char* file) {
  const unique_fd opened = sys::open_at(directory, file, O_RDONLY);
  std::string text;
  if (!opened.has_value() || !sys::read_all(opened.get(), text)) return std::nullopt;
  return text;
}

std::optional<std::string> cgroup_path(int process) {
  const std::optional<std::string> text = read_text(process, "cgroup");
  if (!text) return std::nullopt;
  for (std::string_view rest = *text; !rest.empty();)
    if (const std::string_view line = cut(rest, '\n'); line.starts_with("0::"))
      return std::string(line.substr(3));
  return std::nullopt;
}

bool is_in_cgroup(std::string_view path, std::string_view other) {
  if (other == "/") return true;
  return path.starts_with(other) && (path.size() == other.size() || path[other.size()] == '/');
}

std::uint64_t stat_field(std::string_view stat, int field) {
  const std::size_t close = stat.rfind(") ");
  if (close == std::string_view::npos) return 0;
  stat.remove_prefix(close + 2);
  for (int skipped = 3; skipped < field; ++skipped)
    cut(stat, ' ');
  return parse_decimal<std::uint64_t>(cut(stat, ' ')).value_or(0);
}

duration from_ticks(std::uint64_t ticks) {
  static const auto per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return std::chrono::nanoseconds(ticks * (std::nano::den / per_second));
}

duration since_boot() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

std::vector<std::string> words_of(std::string_view command_line) {
  std::vector<std::string> words;
  while (!command_line.empty())
    words.emplace_back(cut(command_line, '\0'));
  return words;
}

std::optional<process_facts> read_stat(int process, const char* file) {
  const unique_fd stat = sys::open_at(process, file, O_RDONLY);
  return stat.has_value() ? read_stat(stat.get()) : std::nullopt;
}

std::optional<process_facts> read_stat(int file) {
  std::array<char, 1024> text{}; // 52 numbers and a name: about 350 bytes
  const ssize_t size = sys::retry([&] { return ::pread(file, text.data(), text.size(), 0); });
  if (size < 0 && !sys::is_of_an_ended_process(errno)) fail(errno, "read(2) of /proc/PID/stat");
  if (size <= 0) return std::nullopt;
  return parse_process_stat({text.data(), static_cast<std::size_t>(size)});
}

std::vector<pid_t> numbers_in(unique_fd directory) {
  std::vector<pid_t> result;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(directory.get()), &::closedir);
  if (!stream && sys::is_of_an_ended_process(errno)) return {};
  if (!stream) fail(errno, "opendir(3) in /proc");
  static_cast<void>(directory.release()); // the stream closes it
  while (const dirent* entry = sys::next_entry(stream.get()))
    if (const auto number = parse_decimal<pid_t>(entry->d_name)) result.push_back(*number);
  return result;
}

void close_files(unsigned first, unsigned last) noexcept {
  if (::close_range(first, last, 0) == 0) return;
  try {
    for (const pid_t number : numbers_in(sys::open_at(AT_FDCWD, "/proc/self/fd", O_RDONLY)))
      if (static_cast<unsigned>(number) >= first && static_cast<unsigned>(number) <= last)
        ::close(number);
  } catch (const std::exception&) {
    return;
  }
}

std::vector<pid_t> threads(int process) {
  unique_fd directory = sys::open_at(process, "task", O_RDONLY | O_DIRECTORY);
  if (!directory.has_value()) return {};
  return numbers_in(std::move(directory));
}

unique_fd open_children(int process, pid_t thread) {
  std::array<char, 64> path{};
  std::snprintf(path.data(), path.size(), "task/%d/children", static_cast<int>(thread));
  unique_fd file = sys::open_at(process, path.data(), O_RDONLY);
  if (!file.has_value() && !sys::is_of_an_ended_process(errno))
    fail(errno, std::string("open(2) of /proc/PID/") + path.data());
  return file;
}

std::vector<pid_t> children(int process, pid_t thread) {
  const unique_fd file = open_children(process, thread);
  return file.has_value() ? read_children(file.get()) : std::vector<pid_t>{};
}

std::vector<pid_t> read_children(int file) {
  std::vector<pid_t> result;
  std::string text;
  if (::lseek(file, 0, SEEK_SET) != 0 || !sys::read_all(file, text)) {
    if (!sys::is_of_an_ended_process(errno)) fail(errno, "read(2) of /proc/PID/task/TID/children");
    return result;
  }
  for (std::string_view rest = text; !rest.empty();)
    if (const auto pid = parse_decimal<pid_t>(cut(rest, ' '))) result.push_back(*pid);
  return result;
}

std::vector<pid_t> children_of_all_threads(int process, const process_facts& facts) {
  if (facts.threads == 1) return children(process, facts.pid);
  std::vector<pid_t> result;
  for (const pid_t thread : threads(process)) {
    const std::vector<pid_t> own = children(process, thread);
    result.insert(result.end(), own.begin(), own.end());
  }
  return result;
}

} // namespace proc
} // namespace sigkit
