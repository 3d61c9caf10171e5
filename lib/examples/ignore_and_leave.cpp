// Ignores INT, and leaves on USR1.
#include <unistd.h>

#include <cstdio>
#include <stdexcept>

#include <sigkit/sigkit.hpp>

using namespace sigkit;

namespace {
struct leave {};
} // namespace

int main() {
  set_handler(sigint, handler::ignored());
  set_handler(sigusr1, [](signal_id, const signal_info&) { throw leave(); });
  std::printf("my PID is %d\n", ::getpid());
  std::fflush(stdout);
  try {
    for (;;)
      sigkit::pause();
  } catch (const leave&) {
    std::puts("leaving");
  }
  return 0;
}
