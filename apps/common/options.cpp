#include "common/options.hpp"

#include <charconv>
#include <string>

#include <sigkit/selection.hpp>

#include "common/message.hpp"
#include "common/output.hpp"

namespace sigkit::apps {

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

int to_int(std::string_view text, const char* option) {
  int value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, failed] = std::from_chars(text.data(), end, value);
  if (failed != std::errc{} || rest != end)
    throw usage_error("invalid value " + in_quotes(text) + " for " + option);
  return value;
}

int to_status(std::string_view text, const char* option) {
  int status = -1;
  const char* const end = text.data() + text.size();
  const auto [rest, failed] = std::from_chars(text.data(), end, status);
  if (failed != std::errc{} || rest != end || status < 0 || status > 255)
    throw usage_error("invalid status " + in_quotes(text) + " for " + option + " (0 to 255)");
  return status;
}

duration to_duration(std::string_view text, const char* option) {
  if (const auto parsed = parse_duration(text)) return *parsed;
  throw usage_error("invalid time interval " + in_quotes(text) +
                    (option != nullptr ? std::string(" for ") + option : ""));
}

signal_id to_signal(std::string_view text) {
  if (const auto parsed = parse_signal(text)) return *parsed;
  throw usage_error(in_quotes(text) + ": invalid signal");
}

signal_set to_signal_set(std::string_view text) {
  std::string why;
  if (const auto parsed = parse_signal_set(text, &why)) return *parsed;
  throw usage_error(escaped(why));
}

unsigned to_user(std::string_view text) {
  const auto number = user_number(std::string(text));
  if (!number) throw usage_error("no user is named " + in_quotes(text));
  return *number;
}

std::string to_pattern(std::string_view text, const char* option) {
  std::string pattern(text);
  if (const auto why = error_in_pattern(pattern))
    throw usage_error("invalid regular expression " + in_quotes(text) + " for " + option + ": " +
                      *why);
  return pattern;
}

std::vector<std::string> words_of_list(std::string_view list, const char* option) {
  std::vector<std::string> words;
  for (;;) {
    const std::size_t comma = list.find(',');
    const std::string_view word = list.substr(0, comma);
    if (word.empty()) throw usage_error("empty value in the list for " + std::string(option));
    words.emplace_back(word);
    if (comma == std::string_view::npos) return words;
    list.remove_prefix(comma + 1);
  }
}

scope to_scope(std::string_view text, std::string_view known) {
  if (const auto parsed = parse_scope(text)) return *parsed;
  throw usage_error("invalid scope " + in_quotes(text) + " (" + std::string(known) + ")");
}

step to_step(std::string_view text) {
  std::string why;
  if (const auto parsed = parse_step(text, &why)) return *parsed;
  throw usage_error("invalid step " + in_quotes(text) + ": " + escaped(why));
}

orphans to_orphans(std::string_view text) {
  if (text == "leave") return orphans::leave;
  if (text == "wait") return orphans::wait;
  if (text == "kill") return orphans::kill;
  throw usage_error("invalid value " + in_quotes(text) + " for --orphans (leave, wait, kill)");
}

color_choice to_color_choice(std::string_view text) {
  if (text == "auto") return color_choice::automatic;
  if (text == "always") return color_choice::always;
  if (text == "never") return color_choice::never;
  throw usage_error("invalid value " + in_quotes(text) + " for --color (auto, always, never)");
}

const preset& to_preset(std::string_view text) {
  if (const preset* const found = find_preset(text)) return *found;
  throw usage_error("invalid preset " + in_quotes(text) + "; --preset=help lists them");
}

void print_presets() {
  std::string text;
  for (const preset& one : presets()) {
    std::string steps = one.signal.name();
    for (const step& next : one.steps) {
      steps += ", ";
      if (next.after != duration::zero()) steps += to_string(next.after) + ", ";
      steps += next.signal.name();
      if (next.reach) steps += std::string(" over the ") + to_string(*next.reach);
    }
    std::string name(one.name);
    name.resize(8, ' ');
    text += name + steps + "\n";
  }
  print(text);
}

void ladder_options::choose_preset(std::string_view text) {
  list_presets = text == "help";
  chosen = list_presets ? nullptr : &to_preset(text);
}

void ladder_options::put_into(supervise_options& options) const {
  if (chosen != nullptr) {
    options.signal = chosen->signal;
    options.steps.insert(options.steps.begin(), chosen->steps.begin(), chosen->steps.end());
  }
  if (signal) options.signal = *signal;
  for (const step& one : options.steps)
    if (one.reach == scope::pid_namespace && options.reach != scope::pid_namespace)
      throw usage_error("a step over a namespace needs --scope=namespace");
  if (options.reach == scope::pid_namespace && options.left_behind == orphans::leave)
    throw usage_error("nothing can be left of a namespace: --orphans=leave");
}

} // namespace sigkit::apps
