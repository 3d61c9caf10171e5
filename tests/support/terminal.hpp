#pragma once

#include <sys/types.h>
#include <termios.h>

#include <string>
#include <string_view>
#include <vector>

#include <sigkit/exit_status.hpp>
#include <sigkit/unique_fd.hpp>

#include "support/child.hpp"

namespace test {

/// What a key types that the terminal acts on.
inline constexpr std::string_view ctrl_c = "\x03";
inline constexpr std::string_view ctrl_d = "\x04";
inline constexpr std::string_view ctrl_z = "\x1a";
inline constexpr std::string_view ctrl_backslash = "\x1c";

/// A pseudo-terminal, with a program as leader of its session: an interactive bash if nothing else
/// is said. The programs and the probe are found by their names there. All that was started on it
/// is killed when it goes out of scope.
class terminal {
public:
  static constexpr std::string_view prompt = "<prompt>";

  explicit terminal(std::vector<std::string> argv = {"bash", "--norc", "--noprofile", "-i"});
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;
  ~terminal();

  [[nodiscard]] pid_t leader() const { return leader_.pid(); }

  void type(std::string_view keys);

  /// Waits for `text` after what was waited for last, and returns what came before it; throws
  /// after `patience`. The terminal echoes what is typed: a command that is to print `text` must
  /// not be typed with it.
  std::string wait_for(std::string_view text);

  /// Waits until the program says "ready PID", and returns that PID.
  pid_t wait_for_ready();

  /// Types a command to a bash that shows its prompt, or is about to.
  void command(const std::string& line);

  /// What the shell makes of `word`, as "$?", when it prompts again.
  std::string value_of(const std::string& word);

  /// The foreground process group.
  [[nodiscard]] pid_t foreground() const;

  /// Whether `group` becomes the foreground process group.
  [[nodiscard]] bool gets_foreground(pid_t group) const;

  [[nodiscard]] termios modes() const;

  /// Closes the terminal, as a window or a connection is closed.
  void hang_up() { master_.reset(); }

  /// Waits for the end of the leader.
  sigkit::exit_status finish() { return leader_.finish(); }

  /// The processes that were started on it and have not ended.
  [[nodiscard]] std::vector<std::string> processes() const { return marked_processes(mark_); }

private:
  void read_some(std::chrono::steady_clock::time_point deadline, std::string_view wanted);

  std::string mark_ = new_mark();
  sigkit::unique_fd master_;
  child leader_;
  std::string screen_;
  std::size_t searched_ = 0;
};

bool same_modes(const termios& left, const termios& right);

} // namespace test
