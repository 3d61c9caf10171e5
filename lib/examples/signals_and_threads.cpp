// One thread waits, another one sends: the handler runs in the main thread all the same.
#include <unistd.h>

#include <cstdio>
#include <thread>

#include <sigkit/sigkit.hpp>

using namespace sigkit;

namespace {

const char* this_thread() {
  return in_main_thread() ? "the main thread" : "another thread";
}

} // namespace

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  set_handler(sigusr1, [](signal_id signal, const signal_info&) {
    std::printf("received %s in %s\n", signal.name().c_str(), this_thread());
  });

  // The receiver blocks all signals, as threads that have nothing to do with them should.
  std::thread receiver([] {
    const scoped_mask blocked(mask_change::block, signal_set::all());
    std::printf("waiting for a signal in %s\n", this_thread());
    const auto taken = sigtimedwait({sigusr2}, std::chrono::milliseconds(300));
    std::printf("done waiting: %s\n", taken ? taken->signal.name().c_str() : "nothing came");
  });
  std::thread sender([] {
    std::printf("sending in %s\n", this_thread());
    send(::getpid(), sigusr1);
  });
  sigkit::pause(); // until the handler was called
  sender.join();
  receiver.join();
  return 0;
}
