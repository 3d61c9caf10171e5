#include "relay.hpp"

#include <unistd.h>

#include <algorithm>

namespace sigkit {

relay::relay(relay_by how) {
  const bool has_out = output_end::is_writable(STDOUT_FILENO);
  const bool has_err = output_end::is_writable(STDERR_FILENO);
  shared_ = has_out && has_err && output_end::are_one(STDOUT_FILENO, STDERR_FILENO);
  pipes_.reserve(2);
  const auto as_terminal = [how](int number) {
    return how != relay_by::pipe && ::isatty(number) == 1;
  };
  if (has_out)
    pipes_.emplace_back(STDOUT_FILENO, how == relay_by::terminal || as_terminal(STDOUT_FILENO));
  if (has_err && !shared_) pipes_.emplace_back(STDERR_FILENO, as_terminal(STDERR_FILENO));
}

std::vector<std::pair<int, int>> relay::for_command() const {
  std::vector<std::pair<int, int>> ends;
  for (const relay_pipe& one : pipes_)
    if (one.command_end() >= 0) ends.emplace_back(one.command_end(), one.number());
  if (shared_ && !ends.empty()) ends.emplace_back(ends.front().first, STDERR_FILENO);
  return ends;
}

void relay::started() noexcept {
  for (relay_pipe& one : pipes_)
    one.started();
}

void relay::add_sources(std::vector<pollfd>& sources) const {
  for (const relay_pipe& one : pipes_)
    one.add_sources(sources);
}

bool relay::pump() {
  bool written = false;
  for (relay_pipe& one : pipes_) {
    if (one.pump()) written = true;
    if (first_error_ == 0) first_error_ = one.error();
  }
  return written;
}

bool relay::write_is_pending() const noexcept {
  return std::any_of(pipes_.begin(), pipes_.end(),
                     [](const relay_pipe& one) { return one.write_is_pending(); });
}

bool relay::has_writers() const noexcept {
  return std::any_of(pipes_.begin(), pipes_.end(),
                     [](const relay_pipe& one) { return one.has_writers(); });
}

bool relay::is_drained() const noexcept {
  return std::all_of(pipes_.begin(), pipes_.end(),
                     [](const relay_pipe& one) { return one.is_drained(); });
}

std::uint64_t relay::passed_on() const noexcept {
  std::uint64_t sum = 0;
  for (const relay_pipe& one : pipes_)
    sum += one.passed_on();
  return sum;
}

void relay::close_sources() {
  for (relay_pipe& one : pipes_)
    one.cut_off();
}

void relay::copy_window_size() noexcept {
  for (relay_pipe& one : pipes_)
    one.copy_window_size();
}

} // namespace sigkit
