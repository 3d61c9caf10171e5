#include "relay_pipe.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "system.hpp"

namespace sigkit {

namespace {

constexpr int pipe_size = 1 << 20;
constexpr std::size_t most_at_once = std::size_t{4} << 20;
constexpr std::size_t buffer_size = 65536;
/// Fits into any pipe that is empty: where a user has many, the kernel makes them this small.
constexpr std::size_t page_size = 4096;

void enlarge(int pipe) noexcept {
  const int size = ::fcntl(pipe, F_GETPIPE_SZ);
  if (size >= 0 && size < pipe_size) ::fcntl(pipe, F_SETPIPE_SZ, pipe_size);
}

} // namespace

relay_pipe::relay_pipe(int number, bool with_terminal) : output_(number) {
  make_pipe();
  if (with_terminal) make_terminal();
  if (output_.takes_splice()) enlarge(number); // refused by all that is no pipe
}

void relay_pipe::make_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail(errno, "pipe2(2)");
  unique_fd write_end(ends[1]);
  read_end_ = above_standard(ends[0], "fcntl(2) of a pipe");
  command_end_ = above_standard(write_end.release(), "fcntl(2) of a pipe");
  enlarge(read_end_.get());
}

void relay_pipe::make_terminal() {
  const int flags = O_NOCTTY | O_CLOEXEC;
  master_ = above_standard(::posix_openpt(O_RDWR | O_NONBLOCK | flags), "open(2) of /dev/ptmx");
  const int unlocked = 0;
  if (::ioctl(master_.get(), TIOCSPTLCK, &unlocked) != 0) fail(errno, "ioctl(2) TIOCSPTLCK");
  write_end_ = std::move(command_end_);
  // For writing only: who reads from it gets an error, and does not wait for input for ever.
  command_end_ =
      above_standard(::ioctl(master_.get(), TIOCGPTPEER, O_WRONLY | flags), "ioctl(2) TIOCGPTPEER");

  termios modes{};
  if (::tcgetattr(number(), &modes) != 0 && ::tcgetattr(command_end_.get(), &modes) != 0)
    fail(errno, "tcgetattr(3)");
  modes.c_oflag &= ~static_cast<tcflag_t>(OPOST);
  modes.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL);
  if (::tcsetattr(command_end_.get(), TCSANOW, &modes) != 0) fail(errno, "tcsetattr(3)");
  copy_window_size();
}

void relay_pipe::copy_window_size() noexcept {
  winsize size{};
  if (master_.has_value() && output_.is_terminal() && ::ioctl(number(), TIOCGWINSZ, &size) == 0)
    ::ioctl(master_.get(), TIOCSWINSZ, &size);
}

/// What becomes readable when the command writes.
pollfd relay_pipe::source() const noexcept {
  return {master_.has_value() ? master_.get() : read_end_.get(), POLLIN, 0};
}

void relay_pipe::add_sources(std::vector<pollfd>& sources) const {
  if (write_is_pending())
    sources.push_back(output_.source(true));
  else if (read_end_.has_value())
    sources.insert(sources.end(), {source(), output_.source(false)});
}

std::size_t relay_pipe::in_flight() const noexcept {
  int count = 0;
  if (read_end_.has_value()) ::ioctl(read_end_.get(), FIONREAD, &count);
  return held() + static_cast<std::size_t>(count);
}

bool relay_pipe::pump() {
  if (!look()) return false;
  full_ = false;
  std::size_t passed = 0;
  std::size_t now = in_flight();
  for (; passed < most_at_once; now = in_flight()) {
    if (now == 0) now = refill();
    if (now == 0) break;
    const ssize_t count = pass_on();
    if (!judge(count)) break;
    passed += static_cast<std::size_t>(count);
  }
  passed_on_ += passed;
  // Of a terminal only the master is waited for, which would not tell of what is in the pipe.
  if (now != 0 && master_.has_value()) full_ = true;
  return passed + now > std::exchange(left_, now);
}

/// False where nothing can be done.
bool relay_pipe::look() {
  if (!read_end_.has_value() && held() == 0) return false;
  std::array<pollfd, 2> found{source(), output_.source(false)};
  sys::retry([&] { return ::poll(found.data(), found.size(), 0); });
  if (output_.is_lost(found[1])) {
    lose(0);
    return false;
  }
  const bool ended = !master_.has_value() && (found[0].revents & (POLLIN | POLLHUP)) == POLLHUP;
  if (ended) read_end_.reset();
  return found[0].revents != 0 || write_is_pending();
}

/// The pipe is empty: takes what the terminal has for it, and returns how much that is.
std::size_t relay_pipe::refill() noexcept {
  if (!master_.has_value()) return 0;
  std::array<char, page_size> piece;
  const ssize_t count =
      sys::retry([&] { return ::read(master_.get(), piece.data(), piece.size()); });
  if (count > 0) {
    const auto size = static_cast<std::size_t>(count);
    const ssize_t written =
        sys::retry([&] { return ::write(write_end_.get(), piece.data(), size); });
    if (written < 0) error_ = errno;
    return static_cast<std::size_t>(std::max<ssize_t>(written, 0));
  }
  if (count == 0 || errno != EAGAIN) {
    if (count != 0 && errno != EIO) error_ = errno; // EIO: no writer is left
    master_.reset();
    write_end_.reset();
  }
  return 0;
}

ssize_t relay_pipe::pass_on() {
  if (held() == 0 && output_.takes_splice()) {
    const ssize_t count = output_.splice_from(read_end_.get(), pipe_size);
    if (count >= 0 || output_.takes_splice()) return count;
  }
  return write_held();
}

ssize_t relay_pipe::write_held() {
  if (held() == 0) {
    buffer_.resize(buffer_size);
    const ssize_t count =
        sys::retry([&] { return ::read(read_end_.get(), buffer_.data(), buffer_.size()); });
    buffer_.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    written_ = 0;
    if (count <= 0) return count;
  }
  const ssize_t count = output_.write(buffer_.data() + written_, held());
  if (count > 0) written_ += static_cast<std::size_t>(count);
  return count;
}

/// Whether to go on after a write that returned `count`.
bool relay_pipe::judge(ssize_t count) noexcept {
  if (count > 0) return true;
  const int error_number = count == 0 ? EAGAIN : errno;
  if (error_number == EAGAIN)
    full_ = true;
  else
    lose(output_.means_gone(error_number) ? 0 : error_number);
  return false;
}

/// The output is no more. The command learns it at its next write, from the kernel.
void relay_pipe::lose(int error_number) noexcept {
  error_ = error_number;
  written_ = buffer_.size();
  close_source();
}

/// What is in the pipe is moved to one that nobody else has.
void relay_pipe::cut_off() {
  if (!read_end_.has_value()) return;
  if (master_.has_value()) {
    // Never waited for: what does not fit any more is lost.
    ::fcntl(write_end_.get(), F_SETFL, O_NONBLOCK);
    const int error_before = error_;
    while (refill() != 0)
      continue;
    if (error_ == EAGAIN) error_ = error_before;
    master_.reset();
    write_end_.reset();
    return;
  }
  const unique_fd old = std::move(read_end_);
  make_pipe();
  constexpr unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
  while (sys::retry([&] {
           return ::splice(old.get(), nullptr, command_end_.get(), nullptr, pipe_size, flags);
         }) > 0)
    continue;
  command_end_.reset();
}

void relay_pipe::close_source() noexcept {
  master_.reset();
  write_end_.reset();
  read_end_.reset();
  full_ = false;
  left_ = held();
}

bool relay_pipe::has_writers() const noexcept {
  pollfd found = source();
  return found.fd >= 0 && sys::retry([&] { return ::poll(&found, 1, 0); }) >= 0 &&
         (found.revents & POLLHUP) == 0;
}

bool relay_pipe::is_drained() const noexcept {
  if (in_flight() != 0) return false;
  // FIONREAD of a terminal does not count what is on its way; poll(2) waits for it.
  pollfd found{master_.get(), POLLIN, 0};
  return sys::retry([&] { return ::poll(&found, 1, 0); }) <= 0 || (found.revents & POLLIN) == 0;
}

} // namespace sigkit
