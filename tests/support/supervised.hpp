// A command under the library's supervisor, for the tests of it.
#pragma once

#include <string>
#include <vector>

#include <sigkit/supervise.hpp>

namespace test {

inline sigkit::supervise_result supervise(std::vector<std::string> words,
                                          const sigkit::supervise_options& options,
                                          sigkit::supervise_events* events = nullptr) {
  std::vector<char*> argv;
  for (std::string& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  return sigkit::supervisor(options, events).run(argv.data());
}

} // namespace test
