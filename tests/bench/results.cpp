#include "results.hpp"

#include <algorithm>
#include <cmath>

namespace bench {

namespace {

/// The value at this part of a sorted list, between its neighbours in proportion.
double at_part(const std::vector<double>& sorted, double part) {
  const double position = part * static_cast<double>(sorted.size() - 1);
  const auto before = static_cast<std::size_t>(position);
  const std::size_t after = std::min(before + 1, sorted.size() - 1);
  return std::lerp(sorted[before], sorted[after], position - std::floor(position));
}

} // namespace

quartiles quartiles_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  return {at_part(values, 0.25), at_part(values, 0.5), at_part(values, 0.75)};
}

std::optional<quartiles> ratios_of(const row& measured, const row& baseline) {
  if (measured.values.empty() || baseline.values.empty()) return std::nullopt;
  std::vector<double> ratios;
  const std::size_t rounds = std::min(measured.values.size(), baseline.values.size());
  for (std::size_t round = 0; round < rounds; ++round)
    ratios.push_back(measured.values[round] / baseline.values[round]);
  return quartiles_of(std::move(ratios));
}

} // namespace bench
