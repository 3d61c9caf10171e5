// Receives USR1 and USR2, and says who sent them. Send some:
//
//   kill -USR1 PID; kill -USR2 PID; kill -INT PID
#include <unistd.h>

#include <cstdio>

#include <sigkit/sigkit.hpp>

using namespace sigkit;

namespace {

void receive_signal(signal_id signal, const signal_info& info) {
  std::printf("received: %s, from process %d of user %u\n", signal.name().c_str(), info.pid,
              info.uid);
}

} // namespace

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  install_defaults(); // INT throws keyboard_interrupt
  set_handler(sigusr1, receive_signal);
  set_handler(sigusr2, receive_signal);
  std::printf("my PID is %d\n", ::getpid());
  try {
    for (;;) {
      std::puts("waiting...");
      sleep_for(std::chrono::seconds(3)); // goes on for what is left after each signal
    }
  } catch (const keyboard_interrupt&) {
    std::puts("interrupted");
  }
  return 0;
}
