#include "limits.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <limits>

namespace sigkit {

limits::limits(const supervise_options& options) noexcept
    : limit_(options.limit), warn_(options.warn), until_(options.until) {
  heartbeat_.every = options.heartbeat;
  tick_.every = options.tick;
}

void limits::repeated::start(time_point now) noexcept {
  if (every > duration::zero()) due = sys::after(now, every);
}

/// One that comes late is not followed by those that it missed.
bool limits::repeated::take(time_point now) noexcept {
  if (now < due) return false;
  const auto missed = (now - due) / every;
  due = sys::after(due, every * (missed + 1));
  return true;
}

void limits::start(time_point now) {
  started_ = now;
  if (limit_ > duration::zero()) limit_due_ = sys::after(now, limit_);
  heartbeat_.start(now);
  tick_.start(now);
  if (until_) {
    wall_timer_.reset(::timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!wall_timer_.has_value()) fail(errno, "timerfd_create(2)");
    follow_wall_clock();
  }
  set_warning(now);
}

/// The timer itself never expires: it only tells, by ECANCELED, that the clock was set.
void limits::follow_wall_clock() {
  if (!until_) return;
  std::uint64_t ignored = 0;
  [[maybe_unused]] const ssize_t count = ::read(wall_timer_.get(), &ignored, sizeof ignored);
  itimerspec far{};
  far.it_value.tv_sec = std::numeric_limits<std::int32_t>::max() * std::int64_t{64};
  constexpr int flags = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;
  if (::timerfd_settime(wall_timer_.get(), flags, &far, nullptr) != 0 && errno != ECANCELED)
    fail(errno, "timerfd_settime(2)");
  const time_point now = sys::clock::now();
  const duration left = *until_ - wall_clock::now();
  until_due_ = sys::after(now, std::max(left, duration::zero()));
  if (!warned_) set_warning(now);
}

limits::time_point limits::nearer_limit() const noexcept {
  return std::min(limit_due_, until_due_);
}

void limits::set_warning(time_point now) noexcept {
  if (warn_ == duration::zero() || nearer_limit() == time_point::max()) return;
  const duration left = std::max(nearer_limit() - now, duration::zero());
  warning_due_ = now + (left - std::min(warn_, left));
}

std::optional<duration> limits::left(time_point now) const {
  if (nearer_limit() == time_point::max()) return std::nullopt;
  return std::max(nearer_limit() - now, duration::zero());
}

limits::time_point limits::due() const noexcept {
  return std::min({limit_due_, until_due_, warning_due_, heartbeat_.due, tick_.due});
}

std::optional<outcome> limits::take_reached(time_point now) {
  if (now < nearer_limit()) return std::nullopt;
  const bool by_clock = until_due_ < limit_due_;
  switch_off_limits();
  return by_clock ? outcome::deadline : outcome::timed_out;
}

void limits::switch_off_limits() noexcept {
  limit_due_ = until_due_ = warning_due_ = time_point::max();
  until_.reset();
  wall_timer_.reset();
}

bool limits::take_warning(time_point now) noexcept {
  if (now < warning_due_) return false;
  warning_due_ = time_point::max();
  warned_ = true;
  return true;
}

} // namespace sigkit
