#include "trap_lines.hpp"

#include <algorithm>

namespace sigkit {

namespace {

bool is_for(const trap& one, const trap_occasion& why) {
  switch (why.why) {
  case trap_occasion::kind::signal: return one.signals.contains(why.info.signal);
  case trap_occasion::kind::error: return one.at_error;
  case trap_occasion::kind::exit: return one.at_exit;
  }
  return false;
}

} // namespace

trap_line& trap_lines::add(const trap_entry& entry) {
  trap_line& line = lines_[entry.why.info.signal.number()];
  line.entries.push_back(entry);
  return line;
}

const trap* trap_lines::next(trap_entry& entry) const {
  const trap_occasion& why = entry.why;
  if (why.why == trap_occasion::kind::signal && !trapped_.contains(why.info.signal)) {
    static const trap forwarding{};
    return entry.next_trap == 0 ? &forwarding : nullptr;
  }
  for (; entry.next_trap < traps_->size(); ++entry.next_trap) {
    entry.why.trap = entry.next_trap;
    const trap& one = (*traps_)[entry.next_trap];
    if (is_for(one, why)) return &one;
  }
  return nullptr;
}

trap_line* trap_lines::running_as(pid_t pid) noexcept {
  for (auto& [number, line] : lines_)
    if (line.running && line.running->pid() == pid) return &line;
  return nullptr;
}

bool trap_lines::none_waits() const noexcept {
  return std::ranges::all_of(lines_, [](const auto& one) { return one.second.entries.empty(); });
}

bool trap_lines::none_runs() const noexcept {
  return std::ranges::none_of(lines_,
                              [](const auto& one) { return one.second.running.has_value(); });
}

std::size_t trap_lines::give_up_waiting() noexcept {
  std::size_t given_up = 0;
  for (auto& [number, line] : lines_) {
    if (number == 0) continue;
    const std::size_t kept = line.running ? 1 : 0;
    if (line.running) {
      trap_entry& first = line.entries.front();
      if (next(first) != nullptr) ++given_up;
      first.next_trap = traps_->size();
    }
    given_up += line.entries.size() - kept;
    line.entries.resize(kept);
  }
  return given_up;
}

} // namespace sigkit
