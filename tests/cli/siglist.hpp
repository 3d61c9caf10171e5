// What the tests of siglist share.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

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

} // namespace test
