#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sigkit/duration.hpp>
#include <sigkit/ladder.hpp>
#include <sigkit/signal_id.hpp>
#include <sigkit/signal_set.hpp>
#include <sigkit/supervise.hpp>

#include "common/table.hpp"

namespace sigkit::apps {

/// Whether there are digits, and nothing else.
bool is_number(std::string_view text);

// What the user typed, as a value. Each throws usage_error with a message that names it.

int to_int(std::string_view text, const char* option);
/// 0 to 255.
int to_status(std::string_view text, const char* option);
/// `option`, where it is given, is named in the message.
duration to_duration(std::string_view text, const char* option = nullptr);
signal_id to_signal(std::string_view text);
signal_set to_signal_set(std::string_view text);
/// `known` are those that the message names.
scope to_scope(std::string_view text, std::string_view known = scope_names);
step to_step(std::string_view text);
const preset& to_preset(std::string_view text);
orphans to_orphans(std::string_view text);
color_choice to_color_choice(std::string_view text);
/// A name or a number.
unsigned to_user(std::string_view text);
/// An extended regular expression.
std::string to_pattern(std::string_view text, const char* option);
/// The parts of a comma list, none of them empty.
std::vector<std::string> words_of_list(std::string_view list, const char* option);

/// The presets and their steps, on stdout.
void print_presets();

/// A ladder as it is put together: a first signal that was given goes before that of the preset,
/// and the steps of --then go after its steps.
struct ladder_options {
  std::optional<signal_id> signal;
  const preset* chosen = nullptr;
  bool list_presets = false;

  void choose_preset(std::string_view text);
  void put_into(supervise_options& options) const;
};

} // namespace sigkit::apps
