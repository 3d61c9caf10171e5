#include "siglist/screen.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <utility>

#include <fmt/format.h>

#include "common/output.hpp"

namespace sigkit::apps {

namespace {

std::size_t terminal_height() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row != 0 ? size.ws_row : 24;
}

} // namespace

bool is_in_foreground() noexcept {
  return ::tcgetpgrp(STDOUT_FILENO) == ::getpgrp();
}

void screen::enter() {
  if (is_entered_) return;
  is_entered_ = true;
  has_modes_ = ::tcgetattr(STDOUT_FILENO, &modes_) == 0;
  termios silent = modes_;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  if (has_modes_) ::tcsetattr(STDOUT_FILENO, TCSANOW, &silent);
  print(
      "\x1b[?1049h\x1b[?25l\x1b[?7l"); // the other screen, without a cursor; lines are not wrapped
}

void screen::leave() noexcept {
  if (!is_entered_) return;
  is_entered_ = false;
  forget();
  constexpr std::string_view usual = "\x1b[?7h\x1b[?25h\x1b[?1049l";
  [[maybe_unused]] const ssize_t written = ::write(STDOUT_FILENO, usual.data(), usual.size());
  if (has_modes_ && is_in_foreground()) ::tcsetattr(STDOUT_FILENO, TCSAFLUSH, &modes_);
}

void screen::draw(std::string_view text) {
  const std::size_t height = terminal_height();
  std::size_t lines = 0;
  for (const char c : text)
    lines += c == '\n' ? 1 : 0;
  std::string drawn = "\x1b[H";     // the first line; each is emptied before it is written
  const bool fits = lines < height; // the last line end would scroll
  for (std::size_t line = 0; !text.empty() && (fits || line + 1 < height); ++line) {
    const std::size_t end = text.find('\n');
    drawn.append("\x1b[K").append(text.substr(0, end)).append("\r\n");
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  if (!fits) drawn += fmt::format("\x1b[K... and {} lines more", lines - (height - 1));
  if (drawn == drawn_) return;
  print(drawn + (fits ? "\x1b[J" : ""));
  drawn_ = std::move(drawn);
}

} // namespace sigkit::apps
