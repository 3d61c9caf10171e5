// What sigtimeout does: a command with a time limit of 200 ms, after which it and all that it
// started gets TERM, and KILL after a second. Says what is sent, and how it ended.
//
//   limit_a_command COMMAND [ARGUMENT]...
#include <cstdio>
#include <cstring>

#include <sigkit/sigkit.hpp>

using namespace sigkit;

namespace {

struct reporter : supervise_events {
  void sending(signal_id signal, scope reach) noexcept override {
    std::printf("sending %s to the %s\n", signal.name().c_str(), to_string(reach));
  }
};

} // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: limit_a_command COMMAND [ARGUMENT]...\n", stderr);
    return 2;
  }
  supervise_options options;
  options.limit = std::chrono::milliseconds(200);
  options.reach = scope::tree;
  options.dedicated_process = true; // this program does nothing else
  options.steps = {{.after = std::chrono::seconds(1), .signal = sigkill, .reach = {}}};
  reporter events;
  const supervise_result result = supervisor(options, &events).run(argv + 1);
  if (result.exec_error != 0) {
    std::fprintf(stderr, "%s: %s\n", argv[1], std::strerror(result.exec_error));
    return result.how == outcome::not_found ? 127 : 126;
  }
  std::printf("%s: %s\n", result.limit_reached ? "timed out" : "ended",
              result.command ? to_string(*result.command).c_str() : "not even by KILL");
  return 0;
}
