#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sigkit/duration.hpp>
#include <sigkit/signal_search.hpp>

#include "common/table.hpp"

namespace sigkit::apps {

struct list_request {
  enum class action : unsigned char {
    list, ///< the table, or what each SPEC stands for
    describe,
    decode_status,
    show_processes,
    find,
    show_inherited,
  };
  enum class format : unsigned char { text, plain, json };

  action what = action::list;
  format form = format::text;
  color_choice colors = color_choice::automatic;
  std::vector<std::string> words; ///< each SPEC, N or PID
  bool raw = false;
  bool every = false;
  bool threads = false;
  std::optional<duration> watch; ///< the time between two looks
  signal_conditions conditions;
};

/// Nothing where --help or --version was printed. Throws usage_error.
std::optional<list_request> parse_list_request(int argc, char** argv);

} // namespace sigkit::apps
