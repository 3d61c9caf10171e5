#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/command_line.hpp"

namespace sigkit::apps {

/// What the pass over the words has to know of an option.
struct option_shape {
  std::string_view long_name; ///< without dashes; empty where there is none
  char short_name = '\0';
  enum class value { none, required, optional, pair } takes = value::none;
  bool classic = false;
  std::string stands_for = {}; ///< where not empty: what is read instead, as --name=value
  /// Of a value, or a pair of values: the option that stands for it.
  std::function<std::string(std::string_view first, std::string_view second)> join = {};
};

/// "--name", or "-n" where there is no long one.
std::string name_of(const option_shape& shape);

/// Reads `words` (without the program's name) as getopt_long(3) does. --help and --version end it
/// at once. Throws usage_error.
normal_words normalise(const std::vector<option_shape>& known, char** words, const grammar& rules);

} // namespace sigkit::apps
