#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <sigkit/signal_search.hpp>

#include "common/signal_text.hpp"
#include "siglist/processes.hpp"
#include "siglist/rows.hpp"
#include "siglist/watching.hpp"

// What --json prints. The manual page lists the fields.
namespace sigkit::apps {

std::string signals_document(const std::vector<signal_id>& signals);

struct translated_spec {
  std::string text;
  signal_spec spec;
};
std::string specs_document(const std::vector<translated_spec>& specs);

struct decoded_status {
  enum class kind : unsigned char { exited, killed, stopped, continued };
  std::string text; ///< as it was given
  std::string says;
  kind is;
  std::optional<int> exit_code;
  std::optional<signal_id> signal; ///< that ended or stopped it
  std::optional<bool> core_dumped; ///< nothing where the status does not say
};
std::string statuses_document(const std::vector<decoded_status>& statuses);

std::string processes_document(const std::vector<listed_process>& processes);
std::string inherited_document(const std::vector<signal_row>& rows);
std::string findings_document(const signal_findings& found);
/// In one line.
std::string change_document(const watched_change& change);

} // namespace sigkit::apps
