#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <sigkit/duration.hpp>
#include <sigkit/export.hpp>
#include <sigkit/signal_id.hpp>

namespace sigkit {

/// What a signal for a command reaches.
enum class scope : unsigned char {
  process,       ///< the one process
  group,         ///< its process group
  session,       ///< its session
  tree,          ///< it and every descendant, whatever group or session they moved to
  cgroup,        ///< its cgroup (version 2) and those below, and its tree
  pid_namespace, ///< a PID namespace of its own, which the kernel ends whole
  automatic,     ///< cgroup where one can be made, else tree
};

/// "process", "group", "session", "tree", "cgroup", "namespace", "auto".
/// Thread-safe and async-signal-safe.
SIGKIT_API const char* to_string(scope reach) noexcept;

/// SCOPE of the command line; nothing where the text is none.
/// Thread-safe: yes. Async-signal-safe: no.
SIGKIT_API std::optional<scope> parse_scope(std::string_view text) noexcept;

/// The names of all scopes, for messages.
inline constexpr std::string_view scope_names =
    "process, group, session, tree, cgroup, namespace, auto";

/// Whether a scope leaves nothing out, wherever a process moved to.
/// Thread-safe: yes. Async-signal-safe: yes.
constexpr bool reaches_all(scope reach) noexcept {
  return reach >= scope::tree;
}

/// One rung of a ladder: so long after the rung before, send this signal.
struct step {
  duration after{0}; ///< 0: at once; `never`: the ladder ends here
  signal_id signal = sigkill;
  std::optional<scope> reach; ///< where it is not the scope of the whole ladder

  bool operator==(const step&) const = default;
};

/// STEP of the command line, `DUR:SIG[@SCOPE]`. Nothing where the text is none; `why`, where
/// given, then says what is wrong with which part.
/// Thread-safe: yes. Async-signal-safe: no.
SIGKIT_API std::optional<step> parse_step(std::string_view text, std::string* why = nullptr);

/// A ladder that others are known to climb.
struct preset {
  std::string_view name;
  signal_id signal;            ///< the first one
  std::span<const step> steps; ///< those after it
};

/// All of them, by name: bazel, ctest, docker, github, k8s, meson.
/// Thread-safe: yes. Async-signal-safe: yes.
SIGKIT_API std::span<const preset> presets() noexcept;

/// The one of this name, or null. Thread-safe: yes. Async-signal-safe: yes.
SIGKIT_API const preset* find_preset(std::string_view name) noexcept;

} // namespace sigkit
