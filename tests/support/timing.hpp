#pragma once

#include <chrono>

namespace test {

/// How long something took. Only ever compared with limits that are far away: a test does not
/// measure speed.
class stopwatch {
public:
  [[nodiscard]] bool less_than(std::chrono::milliseconds limit) const {
    return std::chrono::steady_clock::now() - start_ < limit;
  }

private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

} // namespace test
