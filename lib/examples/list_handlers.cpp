// Every signal with what this process does with it now.
#include <cstdio>

#include <sigkit/sigkit.hpp>

using namespace sigkit;

namespace {

const char* describe(const handler& present) {
  switch (present.what()) {
  case handler::kind::by_default: return "default action";
  case handler::kind::ignored: return "ignored";
  case handler::kind::callable: return "a handler of this program";
  case handler::kind::foreign: break;
  }
  return "a handler that libsigkit did not install";
}

} // namespace

int main() {
  install_defaults();
  set_handler(sigalrm, [](signal_id, const signal_info&) {});
  for (const signal_id signal : signal_set::all() - signal_set{signal_id(32), signal_id(33)})
    std::printf("%-9s (%2d): %s\n", signal.name().c_str(), signal.number(),
                describe(get_handler(signal)));
  return 0;
}
