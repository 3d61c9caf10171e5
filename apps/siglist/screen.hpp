#pragma once

#include <termios.h>

#include <string_view>

namespace sigkit::apps {

/// The terminal that stdout is, with another screen in place of the usual one, where text is drawn
/// again and again. Nothing that is typed is shown there.
class screen {
public:
  /// What stdout is, and whether it is a terminal that this process may draw on.
  screen() = default;
  screen(const screen&) = delete;
  screen& operator=(const screen&) = delete;
  /// Leaves it, whatever happened.
  ~screen() { leave(); }

  void enter();
  /// The usual screen again, as it was.
  void leave() noexcept;
  /// As much of the text as there is room for, and a last line that says so where that is not all.
  void draw(std::string_view text);

private:
  bool is_entered_ = false;
  bool has_modes_ = false;
  termios modes_{};
};

} // namespace sigkit::apps
