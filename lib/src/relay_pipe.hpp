#pragma once

#include <poll.h>
#include <termios.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <sigkit/unique_fd.hpp>

#include "output_end.hpp"

namespace sigkit {

/// One pipe, or terminal, that the command writes to, and the end that it is passed on to.
///
/// A terminal's output goes through a pipe too, a piece at a time: so a pipe is all that is ever
/// passed on from.
class relay_pipe {
public:
  /// Takes the place of descriptor `number`.
  relay_pipe(int number, bool with_terminal);

  [[nodiscard]] int number() const noexcept { return output_.number(); }
  [[nodiscard]] int command_end() const noexcept { return command_end_.get(); }
  void started() noexcept { command_end_.reset(); }

  void add_sources(std::vector<pollfd>& sources) const;
  bool pump();
  [[nodiscard]] bool write_is_pending() const noexcept { return full_ || held() != 0; }
  [[nodiscard]] bool has_writers() const noexcept;
  [[nodiscard]] bool is_drained() const noexcept;
  void cut_off();
  void copy_window_size() noexcept;
  [[nodiscard]] std::uint64_t passed_on() const noexcept { return passed_on_; }
  [[nodiscard]] int error() const noexcept { return error_; }

private:
  void make_pipe();
  void make_terminal();
  [[nodiscard]] pollfd source() const noexcept;
  [[nodiscard]] std::size_t held() const noexcept { return buffer_.size() - written_; }
  [[nodiscard]] std::size_t in_flight() const noexcept;
  bool look();
  std::size_t refill() noexcept;
  ssize_t pass_on();
  ssize_t write_held();
  bool judge(ssize_t count) noexcept;
  void lose(int error_number) noexcept;
  void close_source() noexcept;

  output_end output_;
  unique_fd command_end_; ///< until the command has been started
  unique_fd read_end_;
  unique_fd master_;            ///< of the command's terminal
  unique_fd write_end_;         ///< of the pipe behind it
  std::vector<char> buffer_;    ///< what was read last, where it cannot be spliced
  std::size_t written_ = 0;     ///< of that
  std::size_t left_ = 0;        ///< in flight when pump() returned last
  bool full_ = false;           ///< the output took nothing any more
  std::uint64_t passed_on_ = 0; ///< bytes
  int error_ = 0;
};

} // namespace sigkit
