#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace sigkit {

// What the grammars share. None of it looks at the locale.

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

inline std::string to_upper(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return result;
}

/// The whole of `text` as a decimal number without a sign, in the range of Integer.
template <class Integer> std::optional<Integer> parse_decimal(std::string_view text) {
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  Integer value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Cuts the part before the first `separator` off `text` and returns it; all of it where there is
/// none, and then `text` is left empty.
inline std::string_view cut(std::string_view& text, char separator) {
  const std::size_t position = text.find(separator);
  const std::string_view head = text.substr(0, position);
  text = position == std::string_view::npos ? std::string_view{} : text.substr(position + 1);
  return head;
}

} // namespace sigkit
