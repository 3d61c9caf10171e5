#pragma once

#include <termios.h>

#include <optional>

#include <sigkit/unique_fd.hpp>

namespace sigkit {

/// The modes of the controlling terminal, as they were when this was made.
class terminal_modes {
public:
  /// Remembers them, where there is a terminal and this process's group is its foreground group.
  void save();
  /// Has them again as they were; where they were saved, something changed them, and no other job
  /// has the terminal by now.
  void restore() const noexcept;

private:
  unique_fd terminal_;
  termios saved_{};
};

} // namespace sigkit
