#include "common/message.hpp"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>

#include <sigkit/process.hpp>

namespace sigkit::apps {

namespace {

std::string_view name = "sigkit";

#ifdef SIGKIT_STATIC
// The name service of the C library loads shared objects, which a static program cannot count on.
std::string look_up_user(unsigned uid) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen("/etc/passwd", "re"), &std::fclose);
  if (!file) return {};
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 1024> text{};
  while (::fgetpwent_r(file.get(), &entry, text.data(), text.size(), &found) == 0)
    if (entry.pw_uid == uid) return entry.pw_name;
  return {};
}
#else
std::string look_up_user(unsigned uid) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 1024> text{};
  if (::getpwuid_r(uid, &entry, text.data(), text.size(), &found) != 0 || found == nullptr)
    return {};
  return entry.pw_name;
}
#endif

/// There is nobody left to tell where stderr does not work.
void write_stderr(const std::string& line) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

} // namespace

std::string_view program_name() noexcept { return name; }

void set_program_name(const char* argv0) noexcept {
  if (argv0 == nullptr || *argv0 == '\0') return;
  const char* slash = std::strrchr(argv0, '/');
  name = slash != nullptr && slash[1] != '\0' ? slash + 1 : argv0;
}

void complain(std::string_view text) {
  std::string line(name);
  write_stderr(line.append(": ").append(text).append("\n"));
}

void complain_about_help() {
  write_stderr("Try '" + std::string(name) + " --help' for more information.\n");
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool control = byte < 0x20 || byte == 0x7f || (byte >= 0x80 && byte < 0xa0);
    if (!control && c != '\\') {
      result += c;
      continue;
    }
    switch (c) {
    case '\\': result += "\\\\"; break;
    case '\n': result += "\\n"; break;
    case '\t': result += "\\t"; break;
    default: {
      std::array<char, 5> code{};
      std::snprintf(code.data(), code.size(), "\\x%02x", byte);
      result += code.data();
    }
    }
  }
  return result;
}

std::string quoted(std::string_view text) { return "'" + escaped(text) + "'"; }

std::string user_name(unsigned uid) {
  const std::string found = look_up_user(uid);
  return found.empty() ? std::to_string(uid) : found;
}

std::string sender_text(int code, int pid, unsigned uid) {
  if (pid == 0 && code == SI_KERNEL) return "the terminal or the kernel";
  if (pid == 0) return "outside this PID namespace";
  const std::optional<process_facts> sender = read_process(pid);
  return "PID " + std::to_string(pid) + " (" + user_name(uid) + ", " +
         (sender ? escaped(sender->name) : "?") + ")";
}

} // namespace sigkit::apps
