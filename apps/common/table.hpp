#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sigkit::apps {

/// Rows of cells in aligned columns, for a person. The last column is not filled up, and is cut
/// where lines have a limit.
class table {
public:
  struct column {
    std::string title;
    bool is_number = false; ///< aligned to the right
  };

  explicit table(std::vector<column> columns) : columns_(std::move(columns)) {}
  /// As many cells as there are columns, fit to be shown.
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  /// `limit`: how long a line may be; 0: as long as it likes.
  [[nodiscard]] std::string text(std::size_t limit) const;

private:
  std::vector<column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// How many characters a line has of the terminal that this descriptor is; 0 where it is none.
std::size_t terminal_width(int descriptor);

} // namespace sigkit::apps
