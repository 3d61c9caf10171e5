#pragma once

#include <csignal>

#include <vector>

#include <sigkit/signal_info.hpp>

// What belongs to the program that supervises, and stays so.
namespace sigkit {

/// For as long as it lives children are not reaped by the kernel, and their status not lost, as
/// they would be with a SIGCHLD that is ignored or has SA_NOCLDWAIT. A handler of it stays.
class kept_children {
public:
  kept_children();
  kept_children(const kept_children&) = delete;
  kept_children& operator=(const kept_children&) = delete;
  ~kept_children();

  [[nodiscard]] bool was_ignored() const noexcept { return previous_.sa_handler == SIG_IGN; }

private:
  struct sigaction previous_ {};
  bool changed_ = false;
};

/// Whether it is not from outside: what this process sends to itself, and what the kernel tells it
/// of its own children, timers, descriptors and limits.
bool is_own(const signal_info& info);

/// Signals that were read, and are for the program that supervises. Its handlers of this library
/// get them at once; for all others they are sent again, to this thread, at the end.
class programs_own_signals {
public:
  programs_own_signals() = default;
  programs_own_signals(const programs_own_signals&) = delete;
  programs_own_signals& operator=(const programs_own_signals&) = delete;
  ~programs_own_signals();

  void give(siginfo_t& info);

private:
  [[nodiscard]] bool is_merged(const siginfo_t& info) const;

  std::vector<siginfo_t> for_later_;
};

} // namespace sigkit
