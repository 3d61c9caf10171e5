#include <sigkit/ladder.hpp>

#include <algorithm>
#include <chrono>
#include <iterator>

#include "text.hpp"

namespace sigkit {

namespace {

using namespace std::chrono_literals;

constexpr scope scopes[] = {scope::process, scope::group,         scope::session,  scope::tree,
                            scope::cgroup,  scope::pid_namespace, scope::automatic};

constexpr step bazel[] = {{15s, sigkill, {}}};
constexpr step ctest[] = {{1s, sigstop, scope::tree}, {0s, sigkill, scope::tree}};
constexpr step docker[] = {{10s, sigkill, {}}};
constexpr step github[] = {{7500ms, sigterm, {}}, {2500ms, sigkill, {}}};
constexpr step k8s[] = {{30s, sigkill, {}}};
constexpr step meson[] = {{500ms, sigkill, {}}};

constexpr preset all_presets[] = {{"bazel", sigterm, bazel},   {"ctest", sigterm, ctest},
                                  {"docker", sigterm, docker}, {"github", sigint, github},
                                  {"k8s", sigterm, k8s},       {"meson", sigterm, meson}};

} // namespace

const char* to_string(scope reach) noexcept {
  switch (reach) {
  case scope::process: return "process";
  case scope::group: return "group";
  case scope::session: return "session";
  case scope::tree: return "tree";
  case scope::cgroup: return "cgroup";
  case scope::pid_namespace: return "namespace";
  case scope::automatic: return "auto";
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
  const auto in_quotes = [](std::string_view word) { return "'" + std::string(word) + "'"; };
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return refuse("a step is DUR:SIG or DUR:SIG@SCOPE");
  const std::string_view length = text.substr(0, colon);
  std::string_view scope_word = text.substr(colon + 1);
  const bool has_scope = scope_word.find('@') != std::string_view::npos;
  const std::string_view signal_word = cut(scope_word, '@');

  const std::optional<duration> after = parse_duration(length);
  if (!after) return refuse("invalid time interval " + in_quotes(length));
  const std::optional<signal_id> signal = parse_signal(signal_word);
  if (!signal) return refuse(in_quotes(signal_word) + ": invalid signal");
  step result{*after, *signal, std::nullopt};
  if (has_scope) {
    result.reach = parse_scope(scope_word);
    if (!result.reach)
      return refuse("invalid scope " + in_quotes(scope_word) + " (" + std::string(scope_names) +
                    ")");
  }
  return result;
}

std::span<const preset> presets() noexcept {
  return all_presets;
}

const preset* find_preset(std::string_view name) noexcept {
  const auto* const found = std::ranges::find(all_presets, name, &preset::name);
  return found != std::end(all_presets) ? found : nullptr;
}

} // namespace sigkit
