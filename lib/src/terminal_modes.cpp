#include "terminal_modes.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "system.hpp"

namespace sigkit {

void terminal_modes::save() {
  unique_fd terminal = sys::open_at(AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY);
  const bool is_ours = terminal.has_value() && ::tcgetpgrp(terminal.get()) == ::getpgrp() &&
                       ::tcgetattr(terminal.get(), &saved_) == 0;
  if (is_ours) terminal_ = std::move(terminal);
}

void terminal_modes::restore() const noexcept {
  termios now{};
  if (!terminal_.has_value() || ::tcgetattr(terminal_.get(), &now) != 0) return;
  // Another job that has the terminal by now has the modes that it wants.
  const pid_t foreground = ::tcgetpgrp(terminal_.get());
  const bool has_gone = foreground > 1 && ::kill(-foreground, 0) != 0 && errno == ESRCH;
  if (foreground != ::getpgrp() && !has_gone) return;
  const bool changed = now.c_iflag != saved_.c_iflag || now.c_oflag != saved_.c_oflag ||
                       now.c_cflag != saved_.c_cflag || now.c_lflag != saved_.c_lflag ||
                       std::memcmp(now.c_cc, saved_.c_cc, sizeof now.c_cc) != 0;
  // TTOU is blocked, so this works although the group that had the terminal has gone.
  if (changed) ::tcsetattr(terminal_.get(), TCSANOW, &saved_);
}

} // namespace sigkit
