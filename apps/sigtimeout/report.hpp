#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <sigkit/diagnosis.hpp>
#include <sigkit/supervise.hpp>

#include "sigtimeout/request.hpp"

namespace sigkit::apps {

/// What --report writes of a run.
struct run_report {
  const request& wanted;
  std::chrono::system_clock::time_point started;
  const supervise_result& result;
  const std::vector<process_diagnosis>& diagnosis;
  int status = 0;    ///< sigtimeout's own
  std::string error; ///< where sigtimeout failed: why
};

/// The JSON document, with a line end.
std::string report_text(const run_report& report);

} // namespace sigkit::apps
