#include "crowd.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace bench {

namespace {

pid_t start_saying(const words& command, bool own_group, channel& said) {
  start_options options;
  options.output = said.writing.get();
  options.own_group = own_group;
  const pid_t child = start(command, options);
  said.writing.close();
  return child;
}

/// KiB; -1 where /proc does not say.
long available_memory() {
  std::FILE* file = std::fopen("/proc/meminfo", "r");
  if (file == nullptr) return -1;
  long kib = -1;
  char line[128];
  while (std::fgets(line, sizeof line, file) != nullptr)
    if (std::sscanf(line, "MemAvailable: %ld", &kib) == 1) break;
  std::fclose(file);
  return kib;
}

} // namespace

crowd::crowd(const words& command, bool own_group) : pid_(start_saying(command, own_group, said_)) {
  if (read_some(said_.reading) != "ready\n") refuse_status(command, wait_for(pid_));
}

void crowd::wait_until_gone() const {
  while (!read_some(said_.reading).empty()) {
  }
}

std::string what_forbids(const settings& how, int count) {
  constexpr long kib_of_one = 256; // page tables and the kernel's own, mostly
  if (available_memory() < kib_of_one * count) return "not enough memory";
  channel said;
  const words command = {how.fixture("bench_sleepers"), std::to_string(count)};
  const pid_t leader = start_saying(command, true, said);
  const bool ready = read_some(said.reading) == "ready\n";
  if (ready) ::kill(-leader, SIGKILL);
  wait_for(leader);
  while (!read_some(said.reading).empty()) {
  }
  return ready ? "" : "not so many processes are permitted";
}

void end_group(const crowd& all) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (::kill(-all.pid(), SIGKILL) != 0)
    throw std::system_error(errno, std::generic_category(), "kill");
  while (::waitpid(-all.pid(), nullptr, 0) > 0) {
  }
  all.wait_until_gone();
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

} // namespace bench
