#include "common/patient_writer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>

namespace sigkit::apps {

namespace {
using monotonic = std::chrono::steady_clock;
constexpr std::size_t most_kept = std::size_t{16} << 20U; // nobody reads that any more
} // namespace

void patient_writer::open() {
  struct stat what {};
  kind_ = kind::file;
  if (::fstat(shared_, &what) != 0) return;
  if (S_ISSOCK(what.st_mode)) kind_ = kind::socket;
  if (!S_ISFIFO(what.st_mode) && ::isatty(shared_) == 0) return;
  const std::string path = "/proc/self/fd/" + std::to_string(shared_);
  own_.reset(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  kind_ = own_.has_value() ? kind::reopened : kind::polled;
}

int patient_writer::descriptor() const noexcept {
  return kind_ == kind::reopened ? own_.get() : shared_;
}

ssize_t patient_writer::write_some() const {
  if (kind_ == kind::socket)
    return ::send(shared_, kept_.data(), kept_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (kind_ != kind::polled) return ::write(descriptor(), kept_.data(), kept_.size());
  // What is ready takes this much at once; a terminal makes two bytes of some.
  const std::size_t piece = ::isatty(shared_) == 1 ? 128 : PIPE_BUF;
  pollfd writable{shared_, POLLOUT, 0};
  if (::poll(&writable, 1, 0) > 0)
    return ::write(shared_, kept_.data(), std::min(kept_.size(), piece));
  errno = EAGAIN;
  return -1;
}

/// False where the reader takes nothing now.
bool patient_writer::try_now() {
  while (!kept_.empty()) {
    const ssize_t count = write_some();
    if (count >= 0)
      kept_.erase(0, static_cast<std::size_t>(count));
    else if (errno == EAGAIN)
      return false;
    else if (errno != EINTR) {
      error_ = errno;
      kept_.clear();
    }
  }
  return true;
}

void patient_writer::write(std::string_view text) {
  if (kind_ == kind::unknown) open();
  if (kept_.size() < most_kept) kept_ += text;
  try_now();
}

bool patient_writer::finish(duration patience) {
  const auto until = monotonic::now() + patience;
  while (!try_now()) {
    if (monotonic::now() >= until) return false;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - monotonic::now());
    pollfd writable{descriptor(), POLLOUT, 0};
    ::poll(&writable, 1, static_cast<int>(left.count()));
  }
  return true;
}

} // namespace sigkit::apps
