#pragma once

#include <optional>
#include <string>

#include <sigkit/duration.hpp>
#include <sigkit/supervise.hpp>

namespace sigkit::apps {

/// What the user asked sigtimeout for.
struct request {
  supervise_options options;
  bool preserve_status = false;
  bool verbose = false;
  bool progress = false;
  int timeout_status = 124;
  std::string hook;        ///< --on-timeout; empty: none
  std::string diagnose_to; ///< a file, "-" for stderr; empty: no diagnosis
  std::string report_to;   ///< a file; empty: no report
  char** command = nullptr;
};

/// Reads the words. False where help or the like was printed. Throws usage_error.
bool parse_request(int argc, char** argv, request& wanted);

} // namespace sigkit::apps
