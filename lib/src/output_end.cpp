#include "output_end.hpp"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "system.hpp"

namespace sigkit {

namespace {

/// A terminal that is ready takes this much at once, each byte as two (a line feed with its
/// carriage return).
constexpr std::size_t small_piece = 128;

bool is_pseudo_terminal_master(int descriptor) noexcept {
  unsigned number = 0;
  return ::ioctl(descriptor, TIOCGPTN, &number) == 0;
}

/// /dev/tty opened anew may be another terminal than it was when it was opened first.
bool are_same_terminal(int first, int second) noexcept {
  unsigned devices[2] = {0, 0};
  return ::ioctl(first, TIOCGDEV, &devices[0]) == 0 &&
         ::ioctl(second, TIOCGDEV, &devices[1]) == 0 && devices[0] == devices[1];
}

bool are_same_file(int first, int second, const struct stat& kind) noexcept {
  if (S_ISSOCK(kind.st_mode)) return true;
  return ::fcntl(first, F_GETFL) == ::fcntl(second, F_GETFL) &&
         ::lseek(first, 0, SEEK_CUR) == ::lseek(second, 0, SEEK_CUR);
}

} // namespace

unique_fd above_standard(int descriptor, const char* operation) {
  if (descriptor < 0) fail(errno, operation);
  unique_fd made(descriptor);
  if (descriptor > STDERR_FILENO) return made;
  unique_fd moved(::fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!moved.has_value()) fail(errno, operation);
  return moved;
}

output_end::output_end(int number)
    : number_(number), kind_(kind_of(number)),
      takes_splice_(kind_ == kind::pipe || kind_ == kind::other) {
  if (kind_ == kind::terminal) open_terminal();
}

bool output_end::is_writable(int number) noexcept {
  const int flags = ::fcntl(number, F_GETFL);
  return flags >= 0 && (flags & O_PATH) == 0 && (flags & O_ACCMODE) != O_RDONLY;
}

bool output_end::are_one(int first, int second) noexcept {
  const pid_t self = ::getpid();
  const long order = ::syscall(SYS_kcmp, self, self, KCMP_FILE, first, second);
  if (order == 0) return true;
  struct stat facts[2];
  if (::fstat(first, &facts[0]) != 0 || ::fstat(second, &facts[1]) != 0) return false;
  if (facts[0].st_dev != facts[1].st_dev || facts[0].st_ino != facts[1].st_ino) return false;
  if (S_ISFIFO(facts[0].st_mode)) return true;
  if (::isatty(first) == 1) return are_same_terminal(first, second);
  const bool not_told = order < 0;
  return not_told && are_same_file(first, second, facts[0]);
}

output_end::kind output_end::kind_of(int number) noexcept {
  struct stat facts {};
  if (::fstat(number, &facts) != 0) return kind::other;
  if (S_ISFIFO(facts.st_mode)) return kind::pipe;
  if (S_ISSOCK(facts.st_mode)) {
    int type = 0;
    socklen_t size = sizeof type;
    const bool told = ::getsockopt(number, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
    return told && type == SOCK_STREAM ? kind::stream_socket : kind::other_socket;
  }
  return ::isatty(number) == 1 ? kind::terminal : kind::other;
}

/// An open file of our own may be non-blocking. Where there is none, small pieces are written.
void output_end::open_terminal() {
  if (is_pseudo_terminal_master(number_)) return; // would be a new one
  const std::string path = "/proc/self/fd/" + std::to_string(number_);
  const int flags = O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;
  const int opened = sys::retry([&] { return ::open(path.c_str(), flags); });
  if (opened < 0) return;
  unique_fd terminal = above_standard(opened, "fcntl(2) of a terminal");
  if (are_same_terminal(number_, terminal.get())) own_ = std::move(terminal);
}

int output_end::descriptor() const noexcept {
  return own_.has_value() ? own_.get() : number_;
}

ssize_t output_end::splice_from(int pipe, std::size_t size) noexcept {
  constexpr unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
  const ssize_t count =
      sys::retry([&] { return ::splice(pipe, nullptr, number_, nullptr, size, flags); });
  if (count < 0 && errno == EINVAL && kind_ != kind::pipe) takes_splice_ = false;
  return count;
}

ssize_t output_end::write(const char* data, std::size_t size) noexcept {
  if (kind_ == kind::stream_socket || kind_ == kind::other_socket)
    return sys::retry([&] { return ::send(number_, data, size, MSG_DONTWAIT | MSG_NOSIGNAL); });
  if (kind_ == kind::terminal && !own_.has_value()) return write_piece(data, size);
  return sys::retry([&] { return ::write(descriptor(), data, size); });
}

ssize_t output_end::write_piece(const char* data, std::size_t size) noexcept {
  pollfd room{number_, POLLOUT, 0};
  const int found = sys::retry([&] { return ::poll(&room, 1, 0); });
  if (found < 0) return -1;
  if (found == 0) {
    errno = EAGAIN;
    return -1;
  }
  return sys::retry([&] { return ::write(number_, data, std::min(size, small_piece)); });
}

bool output_end::means_gone(int error_number) const noexcept {
  return error_number == EPIPE || (error_number == EIO && kind_ == kind::terminal) ||
         (error_number == ECONNRESET && kind_ == kind::stream_socket);
}

pollfd output_end::source(bool pending) const noexcept {
  if (pending) return {descriptor(), POLLOUT, 0};
  // A master whose slave is closed for a while would be reported again and again.
  const bool tells = kind_ == kind::pipe || kind_ == kind::stream_socket || own_.has_value();
  return {tells ? descriptor() : -1, 0, 0};
}

bool output_end::is_lost(const pollfd& found) const noexcept {
  switch (kind_) {
  case kind::pipe: return (found.revents & POLLERR) != 0;
  case kind::stream_socket: return (found.revents & (POLLERR | POLLHUP)) != 0;
  case kind::terminal: return own_.has_value() && (found.revents & POLLHUP) != 0;
  default: return false;
  }
}

} // namespace sigkit
