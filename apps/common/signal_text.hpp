#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sigkit/signal_id.hpp>
#include <sigkit/signal_set.hpp>

namespace sigkit::apps {

/// What siglist and `sigsend -l` are asked about: a name, a number or an exit status (128 + n, and
/// 256 + n as ksh has it), or the names in a mask.
struct signal_spec {
  enum class kind : unsigned char { name, number, mask } is = kind::name;
  std::vector<signal_id> signals; ///< one, but of a mask; 0 is EXIT
};

/// Nothing where the text is no SPEC.
std::optional<signal_spec> read_spec(std::string_view text);

/// A name's number, a number's name, the names in a mask: a line each.
std::string translated(const signal_spec& spec);

/// The name, EXIT for 0.
std::string name_of(signal_id signal);

/// "SIGTERM", "signal 32".
std::string long_name_of(signal_id signal);

/// " INT TERM", a space before each.
std::string names_of(signal_set set);

/// " INT TERM", " all", " all but INT"; nothing of the signals that the C library keeps to itself.
std::string set_text(signal_set set);

/// EXIT and every signal.
std::vector<signal_id> exit_and_all_signals();

} // namespace sigkit::apps
