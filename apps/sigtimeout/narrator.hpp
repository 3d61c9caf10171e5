#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sigkit/diagnosis.hpp>
#include <sigkit/signal_set.hpp>
#include <sigkit/supervise.hpp>
#include <sigkit/unique_fd.hpp>

#include "common/patient_writer.hpp"
#include "sigtimeout/request.hpp"

namespace sigkit::apps {

/// Says on stderr what happens, and does what is to be done at a limit. Never waits for a reader.
class narrator final : public supervise_events {
public:
  /// Opens the file of the diagnosis. Throws sigkit::error where it cannot.
  explicit narrator(const request& wanted);

  void sending(signal_id signal, scope reach) noexcept override;
  void received(const signal_info& info) noexcept override;
  void not_sent(signal_id signal, int error) noexcept override;
  std::optional<pidfd> at_limit(outcome why, const run_state& now) noexcept override;
  void hook_killed() noexcept override;
  void warning(const run_state& now) noexcept override;
  void heartbeat(const run_state& now) noexcept override;
  void tick(const run_state& now) noexcept override;
  void output_cut() noexcept override;
  void output_dropped() noexcept override;

  void say(std::string_view text) noexcept;
  /// The run is over: what has not been written yet is, if it is read.
  void finish() noexcept;

  [[nodiscard]] const std::vector<process_diagnosis>& diagnosis() const noexcept {
    return diagnosis_;
  }

private:
  void diagnose_tree(outcome why, const run_state& now);
  [[nodiscard]] pidfd start_hook(outcome why, const run_state& now) const;
  void clear_progress();

  const request& wanted_;
  std::string command_; ///< in quotes
  signal_set mask_;     ///< as it was at the start: the hook gets it
  patient_writer err_{2};
  unique_fd diagnosis_file_;
  std::vector<process_diagnosis> diagnosis_;
  bool shows_progress_ = false;
};

/// A file that is written at the end, opened at the start. Throws sigkit::error where it cannot be.
unique_fd open_report(const std::string& path);

} // namespace sigkit::apps
