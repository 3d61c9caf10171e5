#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <sigkit/signal_set.hpp>
#include <sigkit/supervise.hpp>

#include "common/patient_writer.hpp"
#include "sigtrap/request.hpp"

namespace sigkit::apps {

/// Runs the actions that are text for a shell, and says on stderr what happens. Never waits for a
/// reader.
class trapper final : public supervise_events {
public:
  explicit trapper(const trap_request& wanted);

  void sending(signal_id signal, scope reach) noexcept override;
  void received(const signal_info& info) noexcept override;
  void not_forwarded(const signal_info& info, bool has_it) noexcept override;
  void command_ended(exit_status how) noexcept override;
  std::optional<pidfd> run_action(const trap_occasion& why) noexcept override;
  void action_ended(const trap_occasion& why, exit_status how) noexcept override;
  void action_killed(const trap_occasion& why) noexcept override;
  void not_sent(signal_id signal, int error) noexcept override;
  void actions_given_up(std::size_t waiting) noexcept override;

  void say(std::string_view text) noexcept;
  void say_if_verbose(std::string_view text) noexcept;
  /// What has not been written yet is, if it is read.
  void finish() noexcept;

private:
  [[nodiscard]] pidfd start(const trap_occasion& why) const;

  const trap_request& wanted_;
  std::string command_; ///< in quotes
  signal_set mask_;     ///< as it was at the start: actions get it
  patient_writer err_{2};
};

} // namespace sigkit::apps
