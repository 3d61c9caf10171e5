#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <sigkit/pidfd.hpp>
#include <sigkit/spawn.hpp>

namespace sigkit::apps {

/// Starts `sh -c TEXT` as leader of a group of its own. In its environment, `variables`
/// ("NAME=value") take the place of all that begin with `prefix`. Throws sigkit::error.
pidfd start_shell(std::string text, std::string_view prefix, std::vector<std::string> variables,
                  spawn_options how);

} // namespace sigkit::apps
