#include "common/table.hpp"

#include <sys/ioctl.h>

#include <algorithm>

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

} // namespace

std::string table::text(std::size_t limit) const {
  std::vector<std::vector<std::string>> lines(1);
  for (const column& one : columns_)
    lines.front().push_back(one.title);
  lines.insert(lines.end(), rows_.begin(), rows_.end());
  std::vector<std::size_t> widths(columns_.size());
  for (const auto& line : lines)
    for (std::size_t i = 0; i < widths.size(); ++i)
      widths[i] = std::max(widths[i], width(line[i]));
  std::string text;
  for (const auto& cells : lines) {
    std::string line;
    for (std::size_t i = 0; i + 1 < cells.size(); ++i)
      append_cell(line, cells[i], widths[i], columns_[i].is_number);
    const std::size_t used = width(line);
    const std::size_t room = std::max(limit - std::min(limit, used), least_width);
    text += line + (limit == 0 ? cells.back() : cut_to(cells.back(), room)) + "\n";
  }
  return text;
}

std::size_t terminal_width(int descriptor) {
  winsize size{};
  return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

} // namespace sigkit::apps
