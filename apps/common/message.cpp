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

std::string_view name = "sigkit";

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

/// Those that change the direction of what is shown after them, or begin a line: U+061C, U+200E,
/// U+200F, U+2028 to U+202E and U+2066 to U+2069.
bool turns_text(std::string_view character) {
  const auto is_within = [=](std::string_view first, std::string_view last) {
    return character.size() == first.size() && character >= first && character <= last;
  };
  return character == "\xd8\x9c" || is_within("\xe2\x80\x8e", "\xe2\x80\x8f") ||
         is_within("\xe2\x80\xa8", "\xe2\x80\xae") || is_within("\xe2\x81\xa6", "\xe2\x81\xa9");
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
  return name;
}

void set_program_name(const char* argv0) noexcept {
  if (argv0 == nullptr || *argv0 == '\0') return;
  const char* slash = std::strrchr(argv0, '/');
  name = slash != nullptr && slash[1] != '\0' ? slash + 1 : argv0;
}

/// There is nobody left to tell where stderr does not work.
void say(const std::string& text) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

void complain(std::string_view text) {
  std::string line(name);
  say(line.append(": ").append(text).append("\n"));
}

void complain_about_help() {
  say("Try '" + std::string(name) + " --help' for more information.\n");
}

std::string escaped(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t length = length_of_character(text);
    const auto first = static_cast<unsigned char>(text.front());
    // U+0080 to U+009F are control characters as well.
    const bool control =
        turns_text(text.substr(0, length)) || first < 0x20 || first == 0x7f || length == 0 ||
        (length == 2 && first == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0);
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

std::string quoted(std::string_view text) {
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
