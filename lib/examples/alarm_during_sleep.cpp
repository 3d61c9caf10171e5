// An alarm during a sleep: its handler is called at once, and the sleep goes on for what is left.
#include <chrono>
#include <cstdio>

#include <sigkit/sigkit.hpp>

using namespace sigkit;

int main() {
  using std::chrono::milliseconds;
  using clock = std::chrono::steady_clock;
  const auto start = clock::now();
  const auto passed = [&] {
    return std::chrono::round<milliseconds>((clock::now() - start) / 100.0) * 100;
  };
  set_handler(sigalrm, [&](signal_id, const signal_info&) {
    std::printf("alarm:  after %lld ms\n", static_cast<long long>(passed().count()));
  });
  setitimer(itimer::real, milliseconds(200));
  std::puts("before");
  sleep_for(milliseconds(600));
  std::printf("after:  %lld ms\n", static_cast<long long>(passed().count()));
  return 0;
}
