#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include <sigkit/cgroup.hpp>
#include <sigkit/duration.hpp>

namespace sigkit {

/// What a command and its descendants have used of the processors and of memory.
class usage {
public:
  /// What was used before the command was made is not counted. `control_group`, if any, is one that
  /// holds nothing else.
  explicit usage(const cgroup* control_group);

  /// The process whose descendants are looked at.
  void set_root(pid_t root) noexcept { root_ = root; }

  /// Looks at all of them.
  void sample();
  /// User and system time of those that were there in the last sample, with what they reaped, and
  /// of those that were reaped here; of a cgroup what the kernel counts for it.
  [[nodiscard]] duration cpu_time() const noexcept { return cpu_time_; }
  /// The most memory that was resident at once: in the samples, in one process, or in the cgroup.
  [[nodiscard]] std::uint64_t peak_memory() const noexcept { return peak_memory_; }

private:
  [[nodiscard]] duration time_of_the_reaped() const;

  const cgroup* control_group_;
  pid_t root_ = 0;
  duration reaped_before_{0};
  std::uint64_t largest_before_;
  duration cpu_time_{0};
  std::uint64_t peak_memory_ = 0;
};

/// How many processes the kernel has killed for want of memory in the cgroup that this process is
/// in, or in `control_group`, and below: memory.events of version 2, memory.oom_control of
/// version 1. Nothing where neither can be read.
std::optional<std::uint64_t> count_memory_kills(const cgroup* control_group);

} // namespace sigkit
