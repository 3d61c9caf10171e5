#include <algorithm>

#include <fmt/format.h>

#include "results.hpp"

namespace bench {

namespace {

// In pixels. The bars of all groups have one scale, so that 1.00 is one line.
constexpr double width = 800;
constexpr double row_height = 20;
constexpr double group_space = 42; ///< with its title
constexpr double top = 56;
constexpr double zero = 268;
constexpr double longest = 440;
constexpr double most = 2.5; ///< a longer bar is cut, and its value says how long it would be

/// A dark card, which stands on a light page as well as on a dark one.
constexpr const char* opening =
    R"(<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="img"
  aria-label="What the programs cost, against the tools that people have">
<style>
  text {{ font: 13px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #d6dae2 }}
  .title {{ font-weight: bold; fill: #ffffff }} .what {{ text-anchor: end }} .note {{ fill: #9aa3b2 }}
  .ours {{ fill: #8ab4f8 }} .other {{ fill: #6b7484 }} .one {{ stroke: #ffd866; stroke-dasharray: 3 3 }}
  .cut {{ stroke: #1d2027; stroke-width: 4px }}
  .value {{ paint-order: stroke; stroke: #1d2027; stroke-width: 5px }}
</style>
<rect width="100%" height="100%" rx="9" fill="#1d2027"/>
<text x="18" y="32" class="note">the first of each group is 1.00; shorter is better, where nothing else is said</text>
)";

std::string escaped(const std::string& text) {
  std::string result;
  for (const char each : text) {
    if (each == '&')
      result += "&amp;";
    else if (each == '<')
      result += "&lt;";
    else
      result += each;
  }
  return result;
}

double length_of(double ratio) {
  return std::min(ratio, most) / most * longest;
}

std::string text_at(double x, double y, const char* kind, const std::string& text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{}\" class=\"{}\">{}</text>\n", x, y, kind,
                     escaped(text));
}

std::string bar_of(const row& measured, const std::optional<quartiles>& ratios, double y) {
  std::string text = text_at(zero - 10, y + 14, "what", measured.what);
  if (!ratios) return text;
  const double length = length_of(ratios->median);
  text += fmt::format(
      "<rect x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\" rx=\"2\" class=\"{}\"/>\n", zero,
      y + 3, length, row_height - 6, measured.ours ? "ours" : "other");
  if (ratios->median > most)
    text += fmt::format("<path d=\"M{} {}l6 {}\" class=\"cut\"/>\n", zero + length - 20,
                        y + row_height - 1, 2 - row_height);
  return text;
}

std::string value_of(const row& measured, const std::optional<quartiles>& ratios, double y) {
  if (!ratios) return text_at(zero + 8, y + 14, "note", measured.note);
  const double ratio = ratios->median;
  return text_at(zero + length_of(ratio) + 8, y + 14, "value", fmt::format("{:.2f}", ratio));
}

/// The title, the bars, the line at 1.00, and the values over it.
std::string group_chart(const group& whole, double y) {
  const double one = zero + length_of(1);
  std::string text = text_at(18, y + 22, "title", whole.title), values;
  double at = y + group_space - 8;
  const double first = at;
  for (const row& each : whole.rows) {
    const auto ratios = ratios_of(each, whole.rows.front());
    text += bar_of(each, ratios, at);
    values += value_of(each, ratios, at);
    at += row_height;
  }
  text += fmt::format("<line x1=\"{0}\" x2=\"{0}\" y1=\"{1}\" y2=\"{2}\" class=\"one\"/>\n", one,
                      first, at);
  return text + values;
}

} // namespace

std::string chart_of(const std::vector<group>& groups) {
  std::string charts;
  double y = top - 12;
  for (const group& each : groups) {
    if (!each.charted || each.rows.empty()) continue;
    charts += group_chart(each, y);
    y += group_space + static_cast<double>(each.rows.size()) * row_height;
  }
  return fmt::format(opening, width, y + 18) + charts + "</svg>\n";
}

} // namespace bench
