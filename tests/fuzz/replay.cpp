// replay TARGET FOLDER: the target, with what each file of the folder holds.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "fuzz/targets.hpp"

namespace {

std::size_t replay(const fuzz::named_target& target, const char* folder) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    std::fprintf(stderr, "%s\n", entry.path().c_str());
    target.run(text);
    ++count;
  }
  return count;
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  for (const fuzz::named_target& target : fuzz::all)
    if (target.name == argv[1]) return replay(target, argv[2]) > 0 ? 0 : 1;
  std::fprintf(stderr, "no target named %s\n", argv[1]);
  return 2;
}
