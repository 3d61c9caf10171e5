#include "common/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "common/message.hpp"

namespace sigkit::apps {

namespace {

bool begins_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0) != 0x80;
}

} // namespace

std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

std::string cut_to(const std::string& text, std::size_t limit) {
  if (width(text) <= limit) return text;
  std::size_t end = 0;
  for (std::size_t characters = 0; end < text.size(); ++end)
    if (begins_character(text[end]) && ++characters == limit) break;
  return text.substr(0, end) + "…";
}

std::string length_text(duration length) {
  using namespace std::chrono;
  const double in_seconds = duration_cast<std::chrono::duration<double>>(length).count();
  if (length < 10s) return fmt::format("{:.2f}s", in_seconds);
  if (length < 60s) return fmt::format("{:.1f}s", in_seconds);
  if (length < 1h) return to_string(duration_cast<seconds>(length));
  if (length < 24h) return to_string(duration_cast<minutes>(length));
  return to_string(duration_cast<hours>(length));
}

std::string state_word(char state) {
  switch (state) {
  case 'R': return "running";
  case 'S': return "sleeping";
  case 'D': return "disk sleep";
  case 'T': return "stopped";
  case 't': return "traced";
  case 'Z': return "zombie";
  case 'X': return "dead";
  case 'I': return "idle";
  case 'P': return "parked";
  default: return escaped({&state, 1});
  }
}

std::string command_text(const std::vector<std::string>& words, std::string_view name) {
  if (words.empty()) return "[" + escaped(name) + "]";
  // One that writes a title over its arguments leaves many empty ones behind.
  std::size_t count = words.size();
  if (count > 2 && words[count - 1].empty() && words[count - 2].empty())
    while (count > 1 && words[count - 1].empty())
      --count;
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    const bool plain = !words[i].empty() && words[i].find_first_of(" '\"") == std::string::npos;
    if (i != 0) text += ' ';
    text += plain ? escaped(words[i]) : in_quotes(words[i]);
  }
  return text;
}

} // namespace sigkit::apps
