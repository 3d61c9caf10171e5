// Opens a device or a FIFO, which may hang, for some seconds at most: the handler of the alarm
// throws, and that comes out of the open(2).
//
//   open_with_a_limit /dev/ttyS0 [SECONDS]
#include <fcntl.h>

#include <cstdio>
#include <stdexcept>

#include <sigkit/sigkit.hpp>

using namespace sigkit;

int main(int argc, char** argv) {
  const char* const device = argc > 1 ? argv[1] : "/dev/ttyS0";
  const duration limit = parse_duration(argc > 2 ? argv[2] : "5").value_or(std::chrono::seconds(5));
  set_handler(sigalrm, [](signal_id signal, const signal_info&) {
    std::printf("handler called with signal %s\n", signal.name().c_str());
    throw std::runtime_error("the device could not be opened in time");
  });
  try {
    // It rings again, in case the first one comes before the kernel has begun to open.
    setitimer(itimer::real, limit, std::chrono::milliseconds(100));
    const unique_fd opened(retry(
        [&] { return ::open(device, O_RDONLY | O_NOCTTY | O_CLOEXEC); })); // may hang for ever
    setitimer(itimer::real, duration(0));
    std::puts(opened.has_value() ? "opened" : "not opened");
    return opened.has_value() ? 0 : 2;
  } catch (const std::runtime_error& why) {
    std::printf("%s\n", why.what());
    return 1;
  }
}
