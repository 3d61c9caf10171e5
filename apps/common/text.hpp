#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <sigkit/duration.hpp>

namespace sigkit::apps {

/// How many characters of UTF-8 there are.
std::size_t width(std::string_view text);

/// At most `limit` characters, the last of them an ellipsis where there are more.
std::string cut_to(const std::string& text, std::size_t limit);

/// Two or three digits tell a person enough: "0.25s", "12.5s", "5m12s", "1h30m", "2d5h".
std::string length_text(duration length);

/// "sleeping", of the letter that /proc has for it.
std::string state_word(char state);

/// The words of a command line, escaped, and in quotes where they need it; "[NAME]" where there are
/// none.
std::string command_text(const std::vector<std::string>& words, std::string_view name);

} // namespace sigkit::apps
