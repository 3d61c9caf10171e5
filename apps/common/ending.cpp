#include "common/ending.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include <sigkit/mask.hpp>

#include "common/exit_codes.hpp"
#include "common/message.hpp"

namespace sigkit::apps {

void end_as(const ending& how) {
  if (how.signal) {
    ::prctl(PR_SET_DUMPABLE, 0);
    ::signal(how.signal->number(), SIG_DFL);
    ::kill(::getpid(), how.signal->number());
    pthread_sigmask(mask_change::unblock, {*how.signal});
  }
  ::_exit(how.status);
}

namespace {

/// The names of what is still there.
std::string survivors_text(const std::vector<process_facts>& survivors) {
  std::string text = "still running, although KILL was sent:";
  if (survivors.empty()) text += " processes that cannot be found";
  for (const process_facts& facts : survivors) {
    text += ' ';
    text += std::to_string(facts.pid) + " (" + escaped(facts.name) + ", state " + facts.state + ")";
  }
  return text;
}

} // namespace

std::optional<failed_run> failed_run_of(const supervise_result& result, const char* command) {
  if (result.exec_error != 0)
    return failed_run{result.how == outcome::not_found ? not_found : cannot_run,
                      "failed to run command " + in_quotes(command) + ": " +
                          std::strerror(result.exec_error)};
  if (result.gave_up || !result.command)
    return failed_run{supervise_failed, survivors_text(result.survivors)};
  return std::nullopt;
}

std::string not_sent_text(signal_id signal, const std::string& command, int error) {
  const std::string why = error == EPERM ? "it belongs to another user" : std::strerror(error);
  return "signal " + signal.name() + " may not be sent to command " + command + ": " + why;
}

std::string whom(scope reach) {
  switch (reach) {
  case scope::process:
  case scope::group: return "command ";
  case scope::pid_namespace: return "the namespace of command ";
  default: return std::string("the ") + to_string(reach) + " of command ";
  }
}

} // namespace sigkit::apps
