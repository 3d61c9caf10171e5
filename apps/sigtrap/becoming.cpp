#include "sigtrap/becoming.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <sigkit/disposition.hpp>
#include <sigkit/mask.hpp>

#include "common/exit_codes.hpp"
#include "common/message.hpp"

namespace sigkit::apps {

std::string changes_text(const supervise_options& options) {
  const signal_set blocked = pthread_sigmask(mask_change::block, {});
  std::string text;
  const auto add = [&](signal_id signal, const char* now, const char* before) {
    text += std::string(program_name()) + ": " + signal.name() + ": " + now + ", ";
    text += std::strcmp(now, before) == 0 ? "as before\n" : std::string("was ") + before + "\n";
  };
  const auto was = [](signal_id signal) {
    return get_disposition(signal) == disposition::ignored ? "ignored" : "default";
  };
  const auto was_blocked = [&](signal_id signal) {
    return blocked.contains(signal) ? "blocked" : "not blocked";
  };
  for (const signal_id signal : signal_set::changeable()) {
    if (options.ignore.contains(signal)) add(signal, "ignored", was(signal));
    if (options.reset.contains(signal)) add(signal, "default", was(signal));
    if (options.block.contains(signal)) add(signal, "blocked", was_blocked(signal));
    if (options.unblock.contains(signal)) add(signal, "not blocked", was_blocked(signal));
  }
  return text;
}

int become_command(const trap_request& wanted, pid_t parent) {
  const supervise_options& options = wanted.options;
  for (const signal_id signal : options.ignore)
    set_ignored(signal);
  for (const signal_id signal : options.reset)
    set_default(signal);
  pthread_sigmask(mask_change::block, options.block);
  pthread_sigmask(mask_change::unblock, options.unblock);
  if (options.parent_death != signull) {
    ::prctl(PR_SET_PDEATHSIG, options.parent_death.number());
    if (::getppid() != parent) ::kill(::getpid(), options.parent_death.number());
  }
  ::execvp(wanted.command[0], wanted.command);
  const int failure = errno;
  complain("failed to run command " + in_quotes(wanted.command[0]) + ": " + std::strerror(failure));
  return failure == ENOENT ? not_found : cannot_run;
}

} // namespace sigkit::apps
