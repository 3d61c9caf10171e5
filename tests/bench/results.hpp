#pragma once

#include <optional>
#include <string>
#include <vector>

namespace bench {

/// What values of a group are: seconds; seconds between when something was due and when it came;
/// GiB/s.
enum class quantity { time, lateness, throughput };

/// What the kernel counted for a process and those that it waited for.
struct weight {
  long faults = 0; ///< page faults that read no file
  long kib = 0;    ///< peak memory
};

/// One of the things that are compared.
struct row {
  std::string what;
  bool ours = false;
  std::string note = {};           ///< why there are no values
  std::vector<double> values = {}; ///< one for each round
  std::optional<weight> weighed = std::nullopt;
};

/// Things that were measured in turn. The first one is what the others are compared with.
struct group {
  std::string title;
  quantity of = quantity::time;
  bool charted = true; ///< in the picture, too
  std::vector<row> rows = {};
};

struct quartiles {
  double low = 0;
  double median = 0;
  double high = 0;
};
quartiles quartiles_of(std::vector<double> values);

/// The quartiles of the ratios of each round; none where one of the two has no values.
std::optional<quartiles> ratios_of(const row& measured, const row& baseline);

/// What the results are worth: the kernel, the processor, and versions.
std::string describe_system();

/// Aligned columns.
std::string table_of(const std::vector<group>& groups);

/// Bars, as SVG.
std::string chart_of(const std::vector<group>& groups);

} // namespace bench
