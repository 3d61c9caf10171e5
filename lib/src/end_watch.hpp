#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <optional>

#include <sigkit/pidfd.hpp>
#include <sigkit/process_ref.hpp>
#include <sigkit/unique_fd.hpp>

namespace sigkit {

/// Tells when processes have ended (epoll(7) of their pidfds), in a time that grows as their
/// number. Where there are more than descriptors, the rest waits for its turn: who waits for all
/// loses nothing by that.
class end_watch {
public:
  end_watch();

  /// `whom` and `thread` must live as long as this, and stay where they are.
  void add(std::size_t key, const process_ref& whom);
  void add(std::size_t key, const pidfd& thread);

  /// Calls `ended` with the key of each that is known to have ended by now.
  void take_ended(const std::function<void(std::size_t)>& ended);

  /// How many have not ended, as far as is known.
  [[nodiscard]] std::size_t size() const noexcept { return watched_.size() + waiting_.size(); }

  /// Readable when take_ended() has something to tell.
  [[nodiscard]] int descriptor() const noexcept { return poll_.get(); }

private:
  struct waiting {
    std::size_t key;
    const process_ref* whom;
  };
  struct watched {
    int descriptor;
    std::optional<pidfd> own;
  };

  void watch(std::size_t key, watched one);
  bool watch_more();

  unique_fd poll_;
  std::size_t budget_; ///< how many descriptors of its own it may have
  std::size_t own_ = 0;
  std::map<std::size_t, watched> watched_;
  std::deque<waiting> waiting_;
  std::deque<std::size_t> gone_; ///< found to have ended when it was their turn
};

} // namespace sigkit
