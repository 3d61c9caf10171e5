#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include <sigkit/supervise.hpp>

#include "common/ending.hpp"
#include "common/message.hpp"
#include "common/program.hpp"
#include "sigtimeout/narrator.hpp"
#include "sigtimeout/report.hpp"
#include "sigtimeout/request.hpp"

namespace sigkit::apps {

namespace {

constexpr duration progress_pause = std::chrono::milliseconds(500);

ending end_at_limit(const request& wanted, exit_status command) {
  if (command.signal() == sigkill) {
    // timeout(1) signals its own group, and so ends by KILL itself. What waits for a program of
    // that name may look for it.
    const bool as_timeout = program_name() == "timeout" && !wanted.options.foreground;
    if (as_timeout && wanted.options.reach == scope::group) return {killed, sigkill};
    return {killed, std::nullopt};
  }
  return {wanted.preserve_status ? command.shell_status() : wanted.timeout_status, std::nullopt};
}

ending end_after(const request& wanted, const supervise_result& result, narrator& says) {
  if (const auto failed = failed_run_of(result, wanted.command[0])) {
    says.say(failed->why);
    return {failed->status, std::nullopt};
  }
  if (result.output_error != 0) {
    says.say(std::string("passing on the output: ") + std::strerror(result.output_error));
    return {supervise_failed, std::nullopt};
  }
  const exit_status command = *result.command;
  if (command.dumped_core()) says.say("the monitored command dumped core");
  if (result.how == outcome::out_of_memory)
    says.say("the kernel killed command " + in_quotes(wanted.command[0]) + " for want of memory");
  if (result.limit_reached) return end_at_limit(wanted, command);
  return {command.shell_status(), command.signal()};
}

void write_report(const unique_fd& file, const run_report& report, narrator& says) {
  if (!file.has_value()) return;
  // Not waited for, unless it is a file.
  const std::string text = report_text(report);
  const ssize_t count = ::write(file.get(), text.data(), text.size());
  if (count != static_cast<ssize_t>(text.size()))
    says.say("writing " + in_quotes(report.wanted.report_to) + ": " +
             (count < 0 ? std::strerror(errno) : "not all of it was taken"));
}

/// Runs the command to its end, and everything that is said of it.
ending run_command(const request& wanted, narrator& says, const unique_fd& report_file) {
  const auto started = std::chrono::system_clock::now();
  supervise_result result;
  ending end{supervise_failed, std::nullopt};
  std::string failure;
  // Signals stay blocked until this process has ended: one that comes after the command did
  // changes nothing any more.
  static std::optional<supervisor> supervising;
  try {
    supervising.emplace(wanted.options, &says);
    result = supervising->run(wanted.command);
    end = end_after(wanted, result, says);
  } catch (const std::exception& failed) {
    failure = failed.what();
    says.say(failure);
  }
  write_report(report_file, {wanted, started, result, says.diagnosis(), end.status, failure}, says);
  says.finish();
  return end;
}

} // namespace
} // namespace sigkit::apps

int sigkit_run_sigtimeout(int argc, char** argv) {
  using namespace sigkit;
  using namespace sigkit::apps;
  return run_program(argv, {.usage = supervise_failed, .other = supervise_failed}, [&] {
    request wanted;
    if (!parse_request(argc, argv, wanted)) return static_cast<int>(success);
    wanted.options.dedicated_process = wanted.options.catches_none = true;
    if (wanted.progress && ::isatty(STDERR_FILENO) != 0) {
      wanted.options.tick = progress_pause;
      if (!wanted.options.relay) wanted.options.relay = relay_by::same_kind;
    }
    narrator says(wanted);
    const unique_fd report = wanted.report_to.empty() ? unique_fd() : open_report(wanted.report_to);
    const ending end = run_command(wanted, says, report);
    end_as(end);
  });
}
