// For libFuzzer: the target that SIGKIT_FUZZ_TARGET names.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "fuzz/targets.hpp"

namespace {

void (*run)(std::string_view text) = nullptr;

} // namespace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  const char* const wanted = std::getenv("SIGKIT_FUZZ_TARGET");
  for (const fuzz::named_target& target : fuzz::all)
    if (wanted != nullptr && target.name == wanted) run = target.run;
  if (run != nullptr) return 0;
  std::fputs("SIGKIT_FUZZ_TARGET: no such target\n", stderr);
  std::exit(2);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  run({reinterpret_cast<const char*>(data), size});
  return 0;
}
