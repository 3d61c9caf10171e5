#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sigkit::apps {

/// Whether there are colors.
enum class color_choice : unsigned char { automatic, always, never };

/// automatic: on a terminal, where NO_COLOR is not set in the environment.
bool uses_colors(color_choice choice, int descriptor);

/// What a row says of its subject.
enum class emphasis : unsigned char { none, faint, warning, failure };

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
  void add(std::vector<std::string> cells, emphasis how = emphasis::none) {
    rows_.push_back({std::move(cells), how});
  }
  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }

  /// `limit`: how long a line may be; 0: as long as it likes.
  [[nodiscard]] std::string text(std::size_t limit, bool colored = false) const;

private:
  struct row {
    std::vector<std::string> cells;
    emphasis how;
  };
  std::vector<column> columns_;
  std::vector<row> rows_;
};

/// How many characters a line has of the terminal that this descriptor is; 0 where it is none.
std::size_t terminal_width(int descriptor);

} // namespace sigkit::apps
