#pragma once

#include <string_view>

namespace sigkit::apps {

/// Writes all of `text` to stdout. Throws sigkit::error where it cannot: what was asked for has
/// then not been said, and that is a failure.
void print(std::string_view text);

} // namespace sigkit::apps
