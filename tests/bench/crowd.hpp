#pragma once

#include <string>

#include "measure.hpp"

namespace bench {

/// bench_sleepers, or a command that starts it, from when all its processes sleep.
class crowd {
public:
  /// With a group of its own, all of it is in that.
  crowd(const words& command, bool own_group);
  crowd(const crowd&) = delete;
  crowd& operator=(const crowd&) = delete;
  ~crowd() = default; // what is left is ended with the worker: see contained()

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

  /// Waits until none of its processes has its output open any more.
  void wait_until_gone() const;

private:
  channel said_;
  pid_t pid_;
};

/// Why there cannot be so many processes; empty where they can.
std::string what_forbids(const settings& how, int count);

/// Kills a crowd that leads a group of its own, and reaps the whole of it. Meanwhile this
/// process is a subreaper.
void end_group(const crowd& all);

} // namespace bench
