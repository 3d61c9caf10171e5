#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <sigkit/duration.hpp>
#include <sigkit/export.hpp>
#include <sigkit/signal_id.hpp>

namespace sigkit {

/// What a signal for a command reaches.
enum class scope : unsigned char {
  process, ///< the one process
  group,   ///< its process group
  session, ///< its session
  tree,    ///< it and every descendant, whatever group or session they moved to
};

/// "process", "group", "session", "tree". Thread-safe and async-signal-safe.
SIGKIT_API const char* to_string(scope reach) noexcept;

/// SCOPE of the command line; nothing where the text is none.
/// Thread-safe: yes. Async-signal-safe: no.
SIGKIT_API std::optional<scope> parse_scope(std::string_view text) noexcept;

/// The names of all scopes, for messages: "process, group, session, tree".
inline constexpr std::string_view scope_names = "process, group, session, tree";

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

} // namespace sigkit
