#pragma once

#include <poll.h>

#include <cstdint>
#include <utility>
#include <vector>

#include <sigkit/supervise.hpp>

#include "relay_pipe.hpp"

namespace sigkit {

/// Passes on what a command writes to stdout and stderr, byte for byte, each to its own place, as
/// a part of somebody else's poll(2) loop. It never waits. SIGPIPE is blocked meanwhile.
class relay {
public:
  /// Looks at descriptors 1 and 2 of this process and makes what the command gets instead
  /// (close-on-exec). One that is closed, or not open for writing, is left alone. Where both lead
  /// to the same place they share one, so that their order stays.
  ///
  /// A pseudo-terminal is made for what is a terminal, but not by pipe; by terminal for stdout in
  /// any case; else it is a pipe. The modes and the window size are those of the terminal it stands
  /// for, but bytes go on as they are, without echo. It is nobody's controlling terminal. Throws
  /// where there are no descriptors (EMFILE, ENFILE) or no terminals (ENOSPC, ENOENT).
  explicit relay(relay_by how);

  /// Descriptors of ours, each with the number that it becomes in the command.
  [[nodiscard]] std::vector<std::pair<int, int>> for_command() const;

  /// The command has been started: its ends are closed here.
  void started() noexcept;

  /// Appends what to wait for. While a write is pending nothing is read, so that a command whose
  /// reader is slow waits in its own write, as it would without us.
  void add_sources(std::vector<pollfd>& sources) const;

  /// Passes on what can be passed on at once, and some MiB at most. Returns whether the command
  /// has written something since the last call.
  bool pump();

  /// A destination does not take now what there is for it.
  [[nodiscard]] bool write_is_pending() const noexcept;
  /// Somebody still has an end of the command's open.
  [[nodiscard]] bool has_writers() const noexcept;
  /// All that was written has been passed on.
  [[nodiscard]] bool is_drained() const noexcept;
  /// How many bytes have been passed on.
  [[nodiscard]] std::uint64_t passed_on() const noexcept;
  /// Who still writes gets a broken pipe (EIO from a terminal). What was written before stays here.
  void close_sources();
  /// Takes the window sizes of the real terminals over, after SIGWINCH.
  void copy_window_size() noexcept;
  /// errno of the first write that failed for another reason than that the reader has gone (the
  /// disk is full), or 0. What is written there afterwards gets a broken pipe.
  [[nodiscard]] int first_error() const noexcept { return first_error_; }

private:
  std::vector<relay_pipe> pipes_;
  bool shared_ = false;
  int first_error_ = 0;
};

} // namespace sigkit
