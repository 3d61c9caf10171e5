// What the tests of siglist share.
#pragma once

#include <doctest/doctest.h>

#include <signal.h>
#include <unistd.h>

#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <sigkit/disposition.hpp>
#include <sigkit/mask.hpp>
#include <sigkit/process.hpp>

#include "support/child.hpp"

namespace test {

using sigkit::exit_status;
using json = nlohmann::json;

inline std::vector<std::string> siglist_words(std::vector<std::string> words) {
  words.insert(words.begin(), program("siglist"));
  return words;
}

inline run_result siglist(std::vector<std::string> words, const run_options& options = {}) {
  return run(siglist_words(std::move(words)), options);
}

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

inline const std::string probe = program("probe");

inline std::string word(pid_t pid) {
  return std::to_string(pid);
}

/// Ignores HUP, blocks USR1 and USR2, has USR2 pending, and catches TERM.
class known_process : public child {
public:
  known_process()
      : child({probe, "handle", "TERM,RTMIN+1"},
              {.environment = {},
               .before_exec =
                   [] {
                     for (const sigkit::signal_id signal : sigkit::signal_set::changeable())
                       sigkit::set_default(signal);
                     sigkit::set_ignored(sigkit::sighup);
                     sigkit::pthread_sigmask(sigkit::mask_change::set,
                                             {sigkit::sigusr1, sigkit::sigusr2});
                   },
               .argv0 = {}}) {
    wait_for_line("ready");
    REQUIRE(eventually([this] { return sigkit::read_process(pid())->state == 'S'; }));
    REQUIRE(::kill(pid(), SIGUSR2) == 0);
  }
};

/// What is read from stdin never comes, and never ends.
inline void read_for_ever() {
  int ends[2];
  if (::pipe(ends) == 0) ::dup2(ends[0], 0);
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);)
    lines.push_back(line);
  return lines;
}

/// The lines that begin so, one after the other.
inline std::string lines_with(const std::string& text, const std::string& start) {
  std::string result;
  for (const std::string& line : lines_of(text))
    if (line.starts_with(start)) result += line + "\n";
  return result;
}

/// The first of them.
inline std::string line_with(const std::string& text, const std::string& start) {
  for (const std::string& line : lines_of(text))
    if (line.starts_with(start)) return line;
  return {};
}

} // namespace test
