#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <sigkit/process_signals.hpp>

#include "siglist/request.hpp"
#include "siglist/rows.hpp"

namespace sigkit::apps {

/// A process that was asked for, and what is shown of it.
struct listed_process {
  process_signals signals;
  std::vector<signal_section> sections;
};

/// What is asked for of each process that is there; the others are named on stderr.
struct process_listing {
  std::vector<listed_process> processes;
  bool is_complete = true; ///< each that was asked for is among them
};
process_listing read_processes(const list_request& wanted);

/// As it is now; nothing where it has been reaped, or its PID is another's by now.
std::optional<listed_process> read_again(const listed_process& known, const list_request& wanted);

/// Headings and tables, for a person. `limit` is how long a line may be, 0: as long as it likes.
std::string text_of(const std::vector<listed_process>& processes, std::size_t limit, bool colored);

/// The columns of --plain for one row, without a line end. Where there is none, `outcome` stands in
/// the last column.
std::string plain_row(const process_signals& process, pid_t thread, const std::string& name,
                      const signal_row* row, const char* outcome = "-");

/// --pid, looked at once.
int show_processes(const list_request& wanted);

/// --inherited.
int show_inherited(const list_request& wanted);

} // namespace sigkit::apps
