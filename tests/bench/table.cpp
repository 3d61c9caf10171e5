#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "results.hpp"

namespace bench {

namespace {

using cells = std::array<std::string, 6>;

std::string milliseconds(double seconds) {
  return fmt::format("{:.{}f} ms", seconds * 1e3, std::abs(seconds) < 0.01 ? 3 : 1);
}

std::string value_text(double value, quantity of) {
  return of == quantity::throughput ? fmt::format("{:.2f} GiB/s", value) : milliseconds(value);
}

cells header_of(const group& whole) {
  cells header = {"", "median", "ratio", "quartiles", "", ""};
  if (whole.of == quantity::lateness) header[2] = "against";
  const bool weighed = std::any_of(whole.rows.begin(), whole.rows.end(),
                                   [](const row& each) { return each.weighed.has_value(); });
  if (weighed) {
    header[4] = "faults";
    header[5] = "KiB";
  }
  return header;
}

/// What is said of times that may be next to nothing: a ratio of those would say little.
void fill_difference(cells& line, const row& measured, const row& baseline) {
  const quartiles own = quartiles_of(measured.values);
  if (!baseline.values.empty())
    line[2] = fmt::format("{:+.3f}", (own.median - quartiles_of(baseline.values).median) * 1e3);
  line[3] = fmt::format("{:.3f} to {:.3f}", own.low * 1e3, own.high * 1e3);
}

void fill_ratio(cells& line, const row& measured, const row& baseline) {
  const auto ratios = ratios_of(measured, baseline);
  if (!ratios) return;
  line[2] = fmt::format("{:.2f}", ratios->median);
  if (&measured != &baseline) line[3] = fmt::format("{:.2f} to {:.2f}", ratios->low, ratios->high);
}

cells line_of(const row& measured, const group& whole) {
  cells line;
  line[0] = measured.what;
  if (measured.values.empty()) {
    line[1] = measured.note;
    return line;
  }
  line[1] = value_text(quartiles_of(measured.values).median, whole.of);
  if (whole.of == quantity::lateness)
    fill_difference(line, measured, whole.rows.front());
  else
    fill_ratio(line, measured, whole.rows.front());
  if (measured.weighed) {
    line[4] = std::to_string(measured.weighed->faults);
    line[5] = std::to_string(measured.weighed->kib);
  }
  return line;
}

std::string line_text(const cells& line, std::size_t widest) {
  std::string text = fmt::format("  {:<{}}  {:>12}  {:>7}  {:>16}  {:>6}  {:>6}", line[0], widest,
                                 line[1], line[2], line[3], line[4], line[5]);
  text.erase(text.find_last_not_of(' ') + 1);
  return text + '\n';
}

std::string title_of(const group& whole) {
  std::size_t rounds = 0;
  for (const row& each : whole.rows)
    rounds = std::max(rounds, each.values.size());
  return rounds == 0 ? whole.title + '\n' : fmt::format("{} ({} rounds)\n", whole.title, rounds);
}

} // namespace

std::string table_of(const std::vector<group>& groups) {
  std::size_t widest = 0;
  for (const group& each : groups)
    for (const row& one : each.rows)
      widest = std::max(widest, one.what.size());
  std::string text;
  for (const group& each : groups) {
    text += '\n' + title_of(each);
    if (each.rows.empty()) continue;
    text += line_text(header_of(each), widest);
    for (const row& one : each.rows)
      text += line_text(line_of(one, each), widest);
  }
  return text;
}

} // namespace bench
