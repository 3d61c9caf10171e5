#include <sigkit/ladder.hpp>

#include "text.hpp"

namespace sigkit {

namespace {
constexpr scope scopes[] = {scope::process, scope::group, scope::session, scope::tree};
}

const char* to_string(scope reach) noexcept {
  switch (reach) {
  case scope::process: return "process";
  case scope::group: return "group";
  case scope::session: return "session";
  case scope::tree: return "tree";
  }
  return "?";
}

std::optional<scope> parse_scope(std::string_view text) noexcept {
  for (const scope known : scopes)
    if (text == to_string(known)) return known;
  return std::nullopt;
}

std::optional<step> parse_step(std::string_view text, std::string* why) {
  const auto refuse = [&](std::string reason) -> std::optional<step> {
    if (why != nullptr) *why = std::move(reason);
    return std::nullopt;
  };
  const auto quoted = [](std::string_view word) { return "'" + std::string(word) + "'"; };
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return refuse("a step is DUR:SIG or DUR:SIG@SCOPE");
  const std::string_view length = text.substr(0, colon);
  std::string_view scope_word = text.substr(colon + 1);
  const bool has_scope = scope_word.find('@') != std::string_view::npos;
  const std::string_view signal_word = cut(scope_word, '@');

  const std::optional<duration> after = parse_duration(length);
  if (!after) return refuse("invalid time interval " + quoted(length));
  const std::optional<signal_id> signal = parse_signal(signal_word);
  if (!signal) return refuse(quoted(signal_word) + ": invalid signal");
  step result{*after, *signal, std::nullopt};
  if (has_scope) {
    result.reach = parse_scope(scope_word);
    if (!result.reach)
      return refuse("invalid scope " + quoted(scope_word) + " (" + std::string(scope_names) + ")");
  }
  return result;
}

} // namespace sigkit
