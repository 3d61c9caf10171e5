#pragma once

#include <termios.h>

#include <string>
#include <string_view>

namespace sigkit::apps {

/// Whether stdout is a terminal whose foreground process group is this process's. Another one's
/// screen is not drawn on, and changing its modes would stop this process.
bool is_in_foreground() noexcept;

/// The terminal that stdout is, with another screen in place of the usual one, where text is drawn
/// again and again. Nothing that is typed is shown there.
class screen {
public:
  screen() = default;
  screen(const screen&) = delete;
  screen& operator=(const screen&) = delete;
  /// Leaves it, whatever happened.
  ~screen() { leave(); }

  void enter();
  /// The usual screen again, as it was.
  void leave() noexcept;
  /// As much of the text as there is room for, and a last line that says so where that is not all.
  /// Where that is there already, nothing.
  void draw(std::string_view text);
  /// What is there may not be what was drawn any more.
  void forget() { drawn_.clear(); }

private:
  bool is_entered_ = false;
  bool has_modes_ = false;
  termios modes_{};
  std::string drawn_;
};

} // namespace sigkit::apps
