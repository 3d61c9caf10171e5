// What sigtrap does: a command with this program in front of it. HUP is dropped, and TERM becomes
// INT, after which the command has a second. Says how it ended, and exits with its status.
//
//   stand_in COMMAND [ARGUMENT]...
#include <cstdio>

#include <sigkit/sigkit.hpp>

using namespace sigkit;

namespace {

struct reporter : supervise_events {
  void received(const signal_info& info) noexcept override {
    std::fprintf(stderr, "%s came\n", info.signal.name().c_str());
  }
  void command_ended(exit_status how) noexcept override {
    std::fprintf(stderr, "%s\n", to_string(how).c_str());
  }
};

} // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: stand_in COMMAND [ARGUMENT]...\n", stderr);
    return 2;
  }
  supervise_options options;
  options.stand_in = true;
  options.dedicated_process = true; // this program does nothing else
  options.reach = scope::process;
  options.traps = {
      {.signals = {sighup}, .action = {.what = trap_action::kind::drop}},
      {.signals = {sigterm}, .action = {.what = trap_action::kind::send, .signal = sigint}}};
  options.steps = {{.after = std::chrono::seconds(1), .signal = sigkill, .reach = {}}};
  reporter events;
  const supervise_result result = supervisor(options, &events).run(argv + 1);
  if (result.exec_error != 0) return result.how == outcome::not_found ? 127 : 126;
  return result.command ? result.command->shell_status() : 1;
}
