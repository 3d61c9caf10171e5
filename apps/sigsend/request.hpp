#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sigkit/escalation.hpp>
#include <sigkit/selection.hpp>

#include "common/table.hpp"

namespace sigkit::apps {

/// What sigsend was asked to do.
struct send_request {
  enum class action : unsigned char {
    send,
    list,            ///< -l
    described_table, ///< -t
    table,           ///< -L
    show_state,      ///< -d
    print_pids,      ///< -p
    print_count,     ///< --count
    only_say,        ///< --dry-run
  };

  action what = action::send;
  escalation_options options;
  process_conditions conditions;
  bool has_conditions = false;
  bool threads = false; ///< a TARGET is a thread
  bool all_users = false;
  bool locked = false; ///< a pid file's writer still holds a lock on it
  bool interactive = false;
  bool verbose = false;
  bool json = false;
  color_choice colors = color_choice::automatic;
  std::vector<std::string> words; ///< the TARGETs, or the SPECs of what is listed
};

/// Reads the command line; false where only help or the version was wanted, which was printed.
bool parse_send_request(int argc, char** argv, send_request& wanted);

} // namespace sigkit::apps
