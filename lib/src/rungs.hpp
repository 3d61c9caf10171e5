#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include <sigkit/ladder.hpp>
#include <sigkit/supervise.hpp>

#include "system.hpp"

namespace sigkit {

/// The ladder of one run: its rungs, and when the next one is due.
class rungs {
public:
  struct rung {
    duration after;
    signal_id signal;
    scope reach;
  };

  explicit rungs(const supervise_options& options);

  /// Starts at the first rung, or after it, where a signal from outside has taken its place.
  void start(sys::clock::time_point now) { start_at(0, now); }
  void start_after_first(sys::clock::time_point now) { start_at(1, now); }

  /// All rungs are over `reach` from now on, for what the command has left behind. start() follows.
  void cover(scope reach) noexcept;

  /// Whom the rungs to come were for has ended.
  void stop() noexcept;

  /// The rungs with the scope `automatic` have this one, once it is known which.
  void resolve_automatic(scope reach) noexcept;

  /// The next rung is due at once.
  void hurry(sys::clock::time_point now) noexcept { due_ = now; }

  /// From now on what is climbed ends with KILL, which is added where it is not there.
  void end_with_kill();
  [[nodiscard]] bool always_kills() const noexcept { return always_kills_; }
  /// Whether the last one that was sent is KILL to all.
  [[nodiscard]] bool has_killed() const noexcept { return has_killed_; }

  /// Whether there is one after the first.
  [[nodiscard]] bool has_next() const noexcept { return rungs_.size() > 1; }

  /// Whether there is a rung to come.
  [[nodiscard]] bool pending() const noexcept { return started_ && next_ < rungs_.size(); }
  [[nodiscard]] bool started() const noexcept { return started_; }

  /// When the next rung is due; the end of time where there is none.
  [[nodiscard]] sys::clock::time_point due() const noexcept { return due_; }

  /// The next rung, if it is due. When its signal has been sent, sent() is called: the rung after
  /// it is counted from then, since freezing a tree takes its time.
  std::optional<rung> take(sys::clock::time_point now);
  void sent(sys::clock::time_point now);

  /// Whether some rung has a scope.
  [[nodiscard]] bool has_scope(scope reach) const noexcept;

private:
  [[nodiscard]] bool kills_all(const rung& one) const noexcept;
  void add_kill();
  void start_at(std::size_t index, sys::clock::time_point now);
  void go_to(std::size_t index, sys::clock::time_point now);

  std::vector<rung> rungs_;
  bool always_kills_;
  bool has_killed_ = false;
  std::size_t next_ = 0;
  bool started_ = false;
  sys::clock::time_point due_ = sys::clock::time_point::max();
};

} // namespace sigkit
