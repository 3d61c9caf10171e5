#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <exception>
#include <optional>
#include <string>

#include <sigkit/supervise.hpp>
#include <sigkit/unique_fd.hpp>

#include "common/ending.hpp"
#include "common/message.hpp"
#include "common/program.hpp"
#include "sigtrap/becoming.hpp"
#include "sigtrap/request.hpp"
#include "sigtrap/trapper.hpp"
#include "sigtrap/waiting.hpp"

namespace sigkit::apps {

namespace {

/// A terminal that is nobody's becomes that of this process's session, as a login does it. Where
/// there is one already, the command is in the group that is started on it.
void take_terminal() {
  if (::isatty(STDIN_FILENO) == 0) return;
  const unique_fd terminal(::open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC));
  if (terminal.has_value()) return;
  if (::getsid(0) != ::getpid() && ::setsid() < 0) return;
  ::ioctl(STDIN_FILENO, TIOCSCTTY, 0);
}

ending end_after(const trap_request& wanted, const supervise_result& result, trapper& says) {
  if (const auto failed = failed_run_of(result, wanted.command[0])) {
    says.say(failed->why);
    return {failed->status, std::nullopt};
  }
  if (result.status) return {*result.status, std::nullopt};
  return {result.command->shell_status(), result.command->signal()};
}

ending run_command(const trap_request& wanted) {
  trapper says(wanted);
  ending end{supervise_failed, std::nullopt};
  // Signals stay blocked until this process has ended: one that comes after the command did
  // changes nothing any more.
  static std::optional<supervisor> supervising;
  try {
    supervising.emplace(wanted.options, &says);
    end = end_after(wanted, supervising->run(wanted.command), says);
  } catch (const std::exception& failed) {
    says.say(failed.what());
  }
  says.finish();
  return end;
}

} // namespace
} // namespace sigkit::apps

int sigkit_run_sigtrap(int argc, char** argv) {
  using namespace sigkit::apps;
  const pid_t parent = ::getppid();
  return run_program(argv, {.usage = supervise_failed, .other = supervise_failed}, [&] {
    trap_request wanted;
    if (!parse_trap_request(argc, argv, wanted)) return static_cast<int>(success);
    if (wanted.what == trap_request::job::wait) return wait_for_signals(wanted);
    if (wanted.list) say(changes_text(wanted.options));
    if (wanted.what == trap_request::job::become) return become_command(wanted, parent);
    if (wanted.is_init && wanted.options.reach != sigkit::scope::session) take_terminal();
    end_as(run_command(wanted));
  });
}
