#include "rungs.hpp"

#include <algorithm>

namespace sigkit {

rungs::rungs(const supervise_options& options)
    : always_kills_(reaches_all(options.reach) && !options.stand_in) {
  rungs_.push_back({duration::zero(), options.signal, options.reach});
  for (const step& next : options.steps) {
    if (next.after == never) break; // what would come after it never does either
    rungs_.push_back({next.after, next.signal, next.reach.value_or(options.reach)});
  }
}

void rungs::start_at(std::size_t index, sys::clock::time_point now) {
  has_killed_ = false;
  next_ = index;
  if (always_kills_) add_kill();
  go_to(index, now);
}

bool rungs::kills_all(const rung& one) const noexcept {
  return one.signal == sigkill && (one.reach == rungs_.front().reach || reaches_all(one.reach));
}

/// Where nothing may be left, what is climbed of a ladder ends with what nothing withstands.
void rungs::add_kill() {
  const auto first = rungs_.begin() + static_cast<std::ptrdiff_t>(next_);
  if (std::none_of(first, rungs_.end(), [this](const rung& one) { return kills_all(one); }))
    rungs_.push_back({std::chrono::seconds(5), sigkill, rungs_.front().reach});
}

void rungs::sent(sys::clock::time_point now) {
  has_killed_ = kills_all(rungs_[next_]);
  go_to(next_ + 1, now);
}

void rungs::end_with_kill() {
  always_kills_ = true;
  if (pending()) add_kill();
}

void rungs::cover(scope reach) noexcept {
  always_kills_ = true;
  stop();
  started_ = false;
  for (rung& one : rungs_)
    one.reach = reach;
}

void rungs::stop() noexcept {
  next_ = rungs_.size();
  due_ = sys::clock::time_point::max();
}

void rungs::resolve_automatic(scope reach) noexcept {
  for (rung& one : rungs_)
    if (one.reach == scope::automatic) one.reach = reach;
}

void rungs::go_to(std::size_t index, sys::clock::time_point now) {
  started_ = true;
  next_ = index;
  due_ = pending() ? sys::after(now, rungs_[next_].after) : sys::clock::time_point::max();
}

std::optional<rungs::rung> rungs::take(sys::clock::time_point now) {
  if (!pending() || now < due_) return std::nullopt;
  return rungs_[next_];
}

bool rungs::has_scope(scope reach) const noexcept {
  return std::ranges::any_of(rungs_, [reach](const rung& r) { return r.reach == reach; });
}

} // namespace sigkit
