#pragma once

#include <poll.h>
#include <sys/types.h>

#include <cstddef>

#include <sigkit/unique_fd.hpp>

namespace sigkit {

/// Takes a descriptor that was just made, and moves it above stderr: what is given to a command
/// must not be overwritten by what becomes its descriptors 0 to 2. Throws where it is none.
unique_fd above_standard(int descriptor, const char* operation);

/// An inherited stdout or stderr that is written to without ever waiting, and without O_NONBLOCK,
/// which everybody who has the same open file would get too.
class output_end {
public:
  explicit output_end(int number);

  /// Whether descriptor `number` is open for writing.
  static bool is_writable(int number) noexcept;

  /// Whether what is written to either comes out at the same end, in the order of the writes.
  static bool are_one(int first, int second) noexcept;

  [[nodiscard]] int number() const noexcept { return number_; }
  [[nodiscard]] bool is_terminal() const noexcept { return kind_ == kind::terminal; }
  [[nodiscard]] bool takes_splice() const noexcept { return takes_splice_; }

  /// Moves what is in a pipe on to here (splice(2)), `size` bytes at most. -1 with errno: EAGAIN
  /// where this end takes nothing now, or the pipe is empty; EINVAL once, where this end has to be
  /// written to instead.
  ssize_t splice_from(int pipe, std::size_t size) noexcept;

  /// As write(2), but EAGAIN where this end takes nothing now. Not for one that takes_splice().
  ssize_t write(const char* data, std::size_t size) noexcept;

  /// Whether that errno of a write says that nobody reads any more.
  [[nodiscard]] bool means_gone(int error_number) const noexcept;

  /// Waits for room where `pending`, else for the end of the reader; passed over by poll(2) where
  /// that is not told.
  [[nodiscard]] pollfd source(bool pending) const noexcept;
  /// Whether the reader has gone, by what poll(2) found.
  [[nodiscard]] bool is_lost(const pollfd& found) const noexcept;

private:
  enum class kind : unsigned char { pipe, stream_socket, other_socket, terminal, other };

  static kind kind_of(int number) noexcept;
  void open_terminal();
  ssize_t write_piece(const char* data, std::size_t size) noexcept;
  [[nodiscard]] int descriptor() const noexcept;

  int number_;
  kind kind_;
  bool takes_splice_;
  unique_fd own_; ///< the terminal, opened anew
};

} // namespace sigkit
