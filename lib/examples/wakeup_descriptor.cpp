// A poll(2) loop of the program's own, woken by signals: the wake-up descriptor is one of those it
// watches, beside standard input. Ends at the end of the input, or by TERM.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include <sigkit/sigkit.hpp>

using namespace sigkit;

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) != 0) return 1;
  const unique_fd reading(ends[0]);
  const unique_fd writing(ends[1]);
  set_wakeup_fd(writing.get());
  bool ended = false;
  set_handler(sigusr1, [](signal_id, const signal_info& info) {
    std::printf("USR1 from process %d\n", info.pid);
  });
  set_handler(sigterm, [&](signal_id, const signal_info&) { ended = true; });
  std::printf("my PID is %d\n", ::getpid());

  std::array<char, 256> bytes{};
  while (!ended) {
    std::array<pollfd, 2> sources{{{reading.get(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
    if (::poll(sources.data(), sources.size(), -1) < 0 && errno != EINTR) return 1;
    // First the bytes are taken, then the handlers called: what comes in between wakes it again.
    while (::read(reading.get(), bytes.data(), bytes.size()) > 0) {
    }
    dispatch();
    if ((sources[1].revents & (POLLIN | POLLHUP)) == 0) continue;
    const ssize_t count = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (count <= 0) break;
    std::printf("%zd bytes of input\n", count);
  }
  set_wakeup_fd(-1);
  std::puts(ended ? "ended by TERM" : "end of input");
  return 0;
}
