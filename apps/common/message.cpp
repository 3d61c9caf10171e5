#include "common/message.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>

#include <sigkit/process.hpp>

namespace sigkit::apps {

namespace {

std::string_view called = "sigkit";

#ifdef SIGKIT_STATIC
// The name service of the C library loads shared objects, which a static program cannot count on.
template <class Wanted> bool look_up(Wanted is_wanted, passwd& entry, std::span<char> text) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen("/etc/passwd", "re"), &std::fclose);
  passwd* found = nullptr;
  while (file && ::fgetpwent_r(file.get(), &entry, text.data(), text.size(), &found) == 0)
    if (is_wanted(entry)) return true;
  return false;
}

bool look_up_user(unsigned uid, passwd& entry, std::span<char> text) {
  return look_up([&](const passwd& one) { return one.pw_uid == uid; }, entry, text);
}

bool look_up_user(const std::string& user, passwd& entry, std::span<char> text) {
  return look_up([&](const passwd& one) { return user == one.pw_name; }, entry, text);
}
#else
bool look_up_user(unsigned uid, passwd& entry, std::span<char> text) {
  passwd* found = nullptr;
  return ::getpwuid_r(uid, &entry, text.data(), text.size(), &found) == 0 && found != nullptr;
}

bool look_up_user(const std::string& user, passwd& entry, std::span<char> text) {
  passwd* found = nullptr;
  return ::getpwnam_r(user.c_str(), &entry, text.data(), text.size(), &found) == 0 &&
         found != nullptr;
}
#endif

constexpr std::size_t entry_size = 4096;

/// How many bytes the UTF-8 character at the start of `text` has; 0 where it is none.
std::size_t length_of_character(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = first < 0x80                    ? 1
                             : first >= 0xc2 && first < 0xe0 ? 2
                             : first >= 0xe0 && first < 0xf0 ? 3
                             : first >= 0xf0 && first < 0xf5 ? 4
                                                             : 0;
  if (length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
  return length;
}

/// Of a character of UTF-8 with two or three bytes; 0 of others.
unsigned code_point(std::string_view character) {
  const auto low_bits = [&](std::size_t i) {
    return static_cast<unsigned>(static_cast<unsigned char>(character[i])) & 0x3fU;
  };
  const auto first = static_cast<unsigned char>(character.front());
  switch (character.size()) {
  case 2: return (first & 0x1fU) << 6U | low_bits(1);
  case 3: return (first & 0x0fU) << 12U | low_bits(1) << 6U | low_bits(2);
  default: return 0;
  }
}

/// Those that change the direction of what is shown after them, or begin a line.
bool turns_text(unsigned point) {
  return point == 0x61c || point == 0x200e || point == 0x200f ||
         (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

void append_escaped(std::string& result, char c) {
  switch (c) {
  case '\\': result += "\\\\"; return;
  case '\n': result += "\\n"; return;
  case '\t': result += "\\t"; return;
  default: break;
  }
  std::array<char, 5> code{};
  std::snprintf(code.data(), code.size(), "\\x%02x", static_cast<unsigned char>(c));
  result += code.data();
}

} // namespace

std::string_view program_name() noexcept {
  return called;
}

void set_program_name(const char* argv0) noexcept {
  if (argv0 == nullptr || *argv0 == '\0') return;
  const char* slash = std::strrchr(argv0, '/');
  called = slash != nullptr && slash[1] != '\0' ? slash + 1 : argv0;
  const auto is_plain = [](char c) { return c >= ' ' && c <= '~'; };
  if (std::ranges::all_of(called, is_plain)) return;
  static std::string shown; // it is the caller's text
  shown = escaped(called);
  called = shown;
}

/// There is nobody left to tell where stderr does not work.
void say(const std::string& text) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

void complain(std::string_view text) {
  std::string line(called);
  say(line.append(": ").append(text).append("\n"));
}

void complain_about_help() {
  say("Try '" + std::string(called) + " --help' for more information.\n");
}

std::string escaped(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t length = length_of_character(text);
    const auto first = static_cast<unsigned char>(text.front());
    const unsigned point = length < 2 ? first : code_point(text.substr(0, length));
    // U+0080 to U+009F are control characters as well.
    const bool control = length == 0 || first < 0x20 || first == 0x7f ||
                         (point >= 0x80 && point < 0xa0) || turns_text(point);
    const std::size_t taken = std::max<std::size_t>(length, 1);
    for (const char c : text.substr(0, taken)) {
      if (control || c == '\\')
        append_escaped(result, c);
      else
        result += c;
    }
    text.remove_prefix(taken);
  }
  return result;
}

std::string in_quotes(std::string_view text) {
  return "'" + escaped(text) + "'";
}

std::string user_name(unsigned uid) {
  passwd entry{};
  std::array<char, entry_size> text{};
  return look_up_user(uid, entry, text) ? entry.pw_name : std::to_string(uid);
}

std::optional<unsigned> user_number(const std::string& user) {
  unsigned number = 0;
  const char* const end = user.data() + user.size();
  const auto [rest, failed] = std::from_chars(user.data(), end, number);
  if (failed == std::errc{} && rest == end) return number;
  passwd entry{};
  std::array<char, entry_size> text{};
  if (look_up_user(user, entry, text)) return entry.pw_uid;
  return std::nullopt;
}

std::string process_name(int pid) {
  try {
    const std::optional<process_facts> process =
        pid > 0 && proc_is_usable() ? read_process(pid) : std::nullopt;
    return process ? process->name : "?";
  } catch (const error&) { // no descriptor is left: a name is not worth a failure
    return "?";
  }
}

std::string sender_text(int code, int pid, unsigned uid) {
  if (pid == 0 && code == SI_KERNEL) return "the terminal or the kernel";
  if (pid == 0) return "outside this PID namespace";
  return "PID " + std::to_string(pid) + " (" + user_name(uid) + ", " + escaped(process_name(pid)) +
         ")";
}

} // namespace sigkit::apps
