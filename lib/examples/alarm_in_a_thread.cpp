// An alarm that another thread has set rings in the main thread, and that thread sleeps on.
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <thread>

#include <sigkit/sigkit.hpp>

using namespace sigkit;

namespace {

const char* this_thread() {
  return in_main_thread() ? "the main thread" : "the alarm thread";
}

} // namespace

int main() {
  using std::chrono::milliseconds;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  set_handler(sigalrm,
              [](signal_id, const signal_info&) { std::printf("alarm in %s\n", this_thread()); });

  const unique_fd done(::eventfd(0, EFD_CLOEXEC));
  std::thread alarm_thread([&] {
    std::printf("setting an alarm in %s\n", this_thread());
    setitimer(itimer::real, milliseconds(200));
    sleep_for(milliseconds(600));
    std::printf("done with the sleep in %s\n", this_thread());
    const std::uint64_t one = 1;
    retry([&] { return ::write(done.get(), &one, sizeof one); });
  });

  // A join would not call handlers before the thread has ended; a wait by retry() does.
  std::uint64_t count = 0;
  retry([&] { return ::read(done.get(), &count, sizeof count); });
  alarm_thread.join();
  std::puts("exiting normally");
  return 0;
}
