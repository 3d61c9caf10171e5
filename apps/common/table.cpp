#include "common/table.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "common/text.hpp"

namespace sigkit::apps {

namespace {

constexpr std::size_t least_width = 20; ///< that the last column has

void append_cell(std::string& line, const std::string& cell, std::size_t wanted,
                 bool to_the_right) {
  const std::string gap(wanted - std::min(wanted, width(cell)), ' ');
  line += to_the_right ? gap + cell : cell + gap;
  line += "  ";
}

std::string in_color(const std::string& line, emphasis how) {
  switch (how) {
  case emphasis::none: return line;
  case emphasis::faint: return "\x1b[2m" + line + "\x1b[0m";
  case emphasis::warning: return "\x1b[33m" + line + "\x1b[0m";
  case emphasis::failure: return "\x1b[31m" + line + "\x1b[0m";
  }
  return line;
}

} // namespace

bool uses_colors(color_choice choice, int descriptor) {
  if (choice != color_choice::automatic) return choice == color_choice::always;
  const char* const unwanted = std::getenv("NO_COLOR");
  return (unwanted == nullptr || *unwanted == '\0') && ::isatty(descriptor) != 0;
}

std::string table::text(std::size_t limit, bool colored) const {
  std::vector<row> lines(1);
  for (const column& one : columns_)
    lines.front().cells.push_back(one.title);
  lines.insert(lines.end(), rows_.begin(), rows_.end());
  std::vector<std::size_t> widths(columns_.size());
  for (const row& line : lines)
    for (std::size_t i = 0; i < widths.size(); ++i)
      widths[i] = std::max(widths[i], width(line.cells[i]));
  std::string text;
  for (const auto& [cells, how] : lines) {
    std::string line;
    for (std::size_t i = 0; i + 1 < cells.size(); ++i)
      append_cell(line, cells[i], widths[i], columns_[i].is_number);
    const std::size_t used = width(line);
    const std::size_t room = std::max(limit - std::min(limit, used), least_width);
    line += limit == 0 ? cells.back() : cut_to(cells.back(), room);
    text += (colored ? in_color(line, how) : line) + "\n";
  }
  return text;
}

std::size_t terminal_width(int descriptor) {
  winsize size{};
  return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

} // namespace sigkit::apps
