#include "usage.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include <sigkit/process_tree.hpp>

#include "proc.hpp"
#include "system.hpp"
#include "text.hpp"

namespace sigkit {

namespace {

duration from_timeval(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

/// Bytes, of the one that had most.
std::uint64_t largest_of_the_reaped() {
  rusage used{};
  ::getrusage(RUSAGE_CHILDREN, &used);
  return static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
}

/// /proc/PID/stat; empty where there is no such process.
std::string stat_of(pid_t pid) {
  const unique_fd process = proc::open_process(pid);
  if (!process.has_value()) return {};
  return proc::read_text(process.get(), "stat").value_or(std::string());
}

duration time_of_children(std::string_view stat) {
  return proc::from_ticks(proc::stat_field(stat, 16) + proc::stat_field(stat, 17));
}

/// The number after `key` in a file of lines "KEY NUMBER".
std::optional<std::uint64_t> number_in(int directory, const char* file, std::string_view key) {
  const std::optional<std::string> text = proc::read_text(directory, file);
  if (!text) return std::nullopt;
  for (std::string_view rest = *text; !rest.empty();) {
    std::string_view line = cut(rest, '\n');
    if (cut(line, ' ') == key) return parse_decimal<std::uint64_t>(line);
  }
  return std::nullopt;
}

/// The cgroup of version 1 that counts this process's memory: an open directory.
unique_fd memory_cgroup() {
  const std::string own = proc::read_text(AT_FDCWD, "/proc/self/cgroup").value_or(std::string());
  for (std::string_view rest = own; !rest.empty();) {
    std::string_view line = cut(rest, '\n');
    cut(line, ':'); // the hierarchy's number
    if (cut(line, ':') != "memory") continue;
    const std::string path = "/sys/fs/cgroup/memory" + std::string(line);
    return sys::open_at(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY);
  }
  return {};
}

} // namespace

usage::usage(const cgroup* control_group)
    : control_group_(control_group), reaped_before_(time_of_the_reaped()),
      largest_before_(largest_of_the_reaped()) {}

/// By this process, and by the root where that is another one, which is reaped itself in the end.
duration usage::time_of_the_reaped() const {
  rusage used{};
  ::getrusage(RUSAGE_CHILDREN, &used);
  const duration here = from_timeval(used.ru_utime) + from_timeval(used.ru_stime);
  const bool another = root_ != 0 && root_ != ::getpid();
  return another ? here + time_of_children(stat_of(root_)) : here;
}

void usage::sample() {
  static const auto page_size = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  duration time = time_of_the_reaped() - reaped_before_;
  std::uint64_t memory = 0;
  for (const process_facts& facts : descendants(root_)) {
    const std::string stat = stat_of(facts.pid);
    time += proc::from_ticks(proc::stat_field(stat, 14) + proc::stat_field(stat, 15));
    time += time_of_children(stat);
    memory += proc::stat_field(stat, 24) * page_size;
  }
  if (control_group_ != nullptr) {
    const auto exact = number_in(control_group_->descriptor(), "cpu.stat", "usage_usec");
    if (exact) time = std::chrono::microseconds(*exact);
    const auto peak = proc::read_text(control_group_->descriptor(), "memory.peak");
    if (peak)
      memory = std::max(
          memory, parse_decimal<std::uint64_t>(std::string_view(*peak).substr(0, peak->find('\n')))
                      .value_or(0));
  }
  const std::uint64_t largest = largest_of_the_reaped();
  cpu_time_ = std::max(cpu_time_, time); // one that is just being reaped is in neither sum
  peak_memory_ = std::max({peak_memory_, memory, largest > largest_before_ ? largest : 0});
}

std::optional<std::uint64_t> count_memory_kills(const cgroup* control_group) {
  std::optional<std::uint64_t> kills;
  const auto add = [&kills](std::optional<std::uint64_t> more) {
    if (more) kills = kills.value_or(0) + *more;
  };
  const std::optional<cgroup> own =
      control_group != nullptr ? std::nullopt : cgroup::of(::getpid());
  const cgroup* const counted = control_group != nullptr ? control_group : own ? &*own : nullptr;
  if (counted != nullptr) add(number_in(counted->descriptor(), "memory.events", "oom_kill"));
  const unique_fd first_version = memory_cgroup();
  if (first_version.has_value())
    add(number_in(first_version.get(), "memory.oom_control", "oom_kill"));
  return kills;
}

} // namespace sigkit
