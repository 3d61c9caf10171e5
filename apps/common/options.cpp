#include "common/options.hpp"

#include "common/message.hpp"

namespace sigkit::apps {

duration to_duration(std::string_view text) {
  if (const auto parsed = parse_duration(text)) return *parsed;
  throw usage_error("invalid time interval " + quoted(text));
}

signal_id to_signal(std::string_view text) {
  if (const auto parsed = parse_signal(text)) return *parsed;
  throw usage_error(quoted(text) + ": invalid signal");
}

signal_set to_signal_set(std::string_view text) {
  std::string why;
  if (const auto parsed = parse_signal_set(text, &why)) return *parsed;
  throw usage_error(escaped(why));
}

scope to_scope(std::string_view text) {
  if (const auto parsed = parse_scope(text)) return *parsed;
  throw usage_error("invalid scope " + quoted(text) + " (" + std::string(scope_names) + ")");
}

step to_step(std::string_view text) {
  std::string why;
  if (const auto parsed = parse_step(text, &why)) return *parsed;
  throw usage_error("invalid step " + quoted(text) + ": " + escaped(why));
}

} // namespace sigkit::apps
