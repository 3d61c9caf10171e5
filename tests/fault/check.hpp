// What the tests with faults share.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "fault/injection.hpp"

namespace test {

inline std::function<std::string(const run_result&)> ends_with(int status, std::string out) {
  return [status, out = std::move(out)](const run_result& result) -> std::string {
    if (result.status != sigkit::exit_status::exited(status))
      return to_string(result.status) + ": " + result.err;
    if (result.out != out) return "the output is not all there: " + result.out;
    return {};
  };
}

inline void check_figures(const fault_figures& figures) {
  std::string text;
  for (const std::string& finding : figures.findings)
    text += finding + "\n";
  INFO(text);
  CHECK(figures.findings.size() == 0);
  std::printf("%zu calls, %zu faults: %zu tolerated, %zu said\n", figures.calls, figures.injections,
              figures.tolerated, figures.failed);
}

/// Each call fails once, and the program either has done what it was to do or fails and says so.
inline void check_faults(const job_maker& make, faults_in where = faults_in::program) {
  if (const std::string why = why_no_faults(); !why.empty()) SKIP(why.c_str());
  const fault_figures figures = inject_everywhere(make, where);
  check_figures(figures);
  CHECK(figures.calls > 0);
  CHECK(figures.tolerated + figures.failed > 0);
}

/// As on a kernel that has none of these calls: it works, or says what it misses.
inline void check_without(const job_maker& make, const std::vector<std::string>& calls) {
  if (const std::string why = why_no_faults(); !why.empty()) SKIP(why.c_str());
  std::size_t injections = 0;
  for (const std::string& call : calls) {
    const fault_figures figures = inject_always(make, {call + ":error=ENOSYS"});
    check_figures(figures);
    injections += figures.injections;
  }
  CHECK(injections > 0);
}

} // namespace test
