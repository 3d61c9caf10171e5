#pragma once

#include <chrono>
#include <optional>

#include <sigkit/supervise.hpp>
#include <sigkit/unique_fd.hpp>

#include "system.hpp"

namespace sigkit {

/// What a clock alone decides of one run: the limits by time, and what is said at certain times.
class limits {
  using time_point = sys::clock::time_point;
  using wall_clock = std::chrono::system_clock;

public:
  explicit limits(const supervise_options& options) noexcept;

  /// The clocks run from now on.
  void start(time_point now);

  [[nodiscard]] duration elapsed(time_point now) const noexcept { return now - started_; }
  /// To the nearer limit; nothing where there is none.
  [[nodiscard]] std::optional<duration> left(time_point now) const;

  /// When something is due; the end of time where nothing is.
  [[nodiscard]] time_point due() const noexcept;
  /// For poll(2): readable when the wall clock was set. Below 0 where that changes nothing.
  [[nodiscard]] int descriptor() const noexcept { return wall_timer_.get(); }
  void follow_wall_clock();

  /// The limit that is reached; from then on there are none. Nothing where there is none.
  std::optional<outcome> take_reached(time_point now);
  void switch_off_limits() noexcept;

  bool take_warning(time_point now) noexcept;
  bool take_heartbeat(time_point now) noexcept { return heartbeat_.take(now); }
  bool take_tick(time_point now) noexcept { return tick_.take(now); }

private:
  /// Due again and again.
  struct repeated {
    duration every{0};
    time_point due = time_point::max();
    void start(time_point now) noexcept;
    bool take(time_point now) noexcept;
  };

  [[nodiscard]] time_point nearer_limit() const noexcept;
  void set_warning(time_point now) noexcept;

  duration limit_;
  duration warn_;
  std::optional<wall_clock::time_point> until_;
  time_point started_{};
  time_point limit_due_ = time_point::max();
  time_point until_due_ = time_point::max();
  time_point warning_due_ = time_point::max();
  bool warned_ = false;
  repeated heartbeat_;
  repeated tick_;
  unique_fd wall_timer_;
};

} // namespace sigkit
