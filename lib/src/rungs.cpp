#include "rungs.hpp"

#include <algorithm>

namespace sigkit {

rungs::rungs(const supervise_options& options) {
  rungs_.push_back({duration::zero(), options.signal, options.reach});
  for (const step& next : options.steps)
    rungs_.push_back({next.after, next.signal, next.reach.value_or(options.reach)});
  const bool kills = std::ranges::any_of(
      rungs_, [](const rung& r) { return r.signal == sigkill && r.reach == scope::tree; });
  // Where nothing may be left, a ladder ends with what nothing withstands.
  if (options.reach == scope::tree && !kills)
    rungs_.push_back({std::chrono::seconds(5), sigkill, scope::tree});
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
