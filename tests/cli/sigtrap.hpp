// What the tests of sigtrap share.
#pragma once

#include <doctest/doctest.h>

#include <signal.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <sigkit/process.hpp>

#include "support/child.hpp"

namespace test {

using sigkit::exit_status;

inline std::vector<std::string> sigtrap_words(std::vector<std::string> words) {
  words.insert(words.begin(), program("sigtrap"));
  return words;
}

inline run_result sigtrap(std::vector<std::string> words, const run_options& options = {}) {
  return run(sigtrap_words(std::move(words)), options);
}

inline const std::string probe = program("probe");

/// A sigtrap that runs the probe, which has said that it is ready.
class trapped : public child {
public:
  trapped(std::vector<std::string> options, std::vector<std::string> words,
          const run_options& how = {})
      : child(all_words(std::move(options), std::move(words)), how),
        command_(std::stoi(wait_for_line("ready").substr(6))) {}
  [[nodiscard]] pid_t command() const { return command_; }
  void send(int signal) const { REQUIRE(::kill(pid(), signal) == 0); }
  void queue(int signal, int value) const { REQUIRE(::sigqueue(pid(), signal, {value}) == 0); }

private:
  static std::vector<std::string> all_words(std::vector<std::string> options,
                                            std::vector<std::string> words) {
    options.push_back(probe);
    options.insert(options.end(), words.begin(), words.end());
    return sigtrap_words(std::move(options));
  }
  pid_t command_;
};

inline char state_of(pid_t pid) {
  const auto facts = sigkit::read_process(pid);
  return facts ? facts->state : '-';
}

inline bool comes_to(pid_t pid, char state) {
  return eventually([=] { return state_of(pid) == state; });
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// How many lines of `text` are this one.
inline int count_lines(const std::string& text, const std::string& line) {
  int count = 0;
  std::size_t at = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', at)) {
    if (text.compare(at, end - at, line) == 0) ++count;
    at = end + 1;
  }
  return count;
}

} // namespace test
