#include "end_watch.hpp"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include "failure.hpp"
#include "system.hpp"

namespace sigkit {

end_watch::end_watch() : poll_(::epoll_create1(EPOLL_CLOEXEC)), budget_(sys::descriptor_budget()) {
  if (!poll_.has_value()) fail(errno, "epoll_create1(2)");
}

void end_watch::add(std::size_t key, const process_ref& whom) {
  if (whom.held() != nullptr)
    watch(key, {whom.held()->descriptor(), std::nullopt});
  else
    waiting_.push_back({key, &whom});
}

void end_watch::add(std::size_t key, const pidfd& thread) {
  watch(key, {thread.descriptor(), std::nullopt});
}

void end_watch::watch(std::size_t key, watched one) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = key;
  if (::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, one.descriptor, &event) != 0)
    fail(errno, "epoll_ctl(2)");
  if (one.own) ++own_;
  watched_.emplace(key, std::move(one));
}

/// Whether one of those that wait was found to have ended.
bool end_watch::watch_more() {
  while (!waiting_.empty() && (own_ < budget_ || watched_.empty())) {
    const auto [key, whom] = waiting_.front();
    std::optional<pidfd> opened;
    try {
      opened = whom->reopen();
    } catch (const error& failed) {
      if (failed.code().value() != EMFILE || watched_.empty()) throw;
      break; // one that ends makes room
    }
    waiting_.pop_front();
    if (!opened) {
      gone_.push_back(key);
      continue;
    }
    const int descriptor = opened->descriptor();
    watch(key, {descriptor, std::move(opened)});
  }
  return !gone_.empty();
}

void end_watch::take_ended(const std::function<void(std::size_t)>& ended) {
  std::array<epoll_event, 64> events{};
  bool again = true;
  while (again) {
    again = watch_more();
    for (; !gone_.empty(); gone_.pop_front())
      ended(gone_.front());
    const int count = ::epoll_wait(poll_.get(), events.data(), static_cast<int>(events.size()), 0);
    if (count < 0 && errno != EINTR) fail(errno, "epoll_wait(2)");
    for (const epoll_event& event :
         std::span(events).first(static_cast<std::size_t>(std::max(count, 0)))) {
      const std::size_t key = event.data.u64; // packed in there: nothing may refer to it
      const auto found = watched_.find(key);
      if (found == watched_.end()) continue;
      ::epoll_ctl(poll_.get(), EPOLL_CTL_DEL, found->second.descriptor, nullptr);
      if (found->second.own) --own_;
      watched_.erase(found);
      ended(key);
      again = true;
    }
  }
}

} // namespace sigkit
