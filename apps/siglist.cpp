#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include <sigkit/signal_set.hpp>

#include "common/command_line.hpp"
#include "common/message.hpp"
#include "common/output.hpp"
#include "common/program.hpp"
#include "common/signal_text.hpp"

namespace sigkit::apps {

namespace {

constexpr const char* usage = "[OPTION]... [SPEC]...";

constexpr const char* description =
    "List the signals, or translate between their names, numbers and exit statuses.";

constexpr const char* footer =
    "SPEC is a name (its number is printed), a number or an exit status from 128 up\n"
    "(the name is printed), or a mask such as 0x4002 (the names in it, one a line).\n"
    "\n"
    "Exit status: 0, 1 where a SPEC is none of these, 2 for wrong usage.\n"
    "\n"
    "Examples:\n"
    "  siglist\n"
    "  siglist TERM 137";

struct request {
  bool describe = false;
  bool plain = false;
  std::vector<char*> specs;
};

std::string row(signal_id signal, bool plain) {
  constexpr const char* for_person = "{:>2}  {:<9}  {:<9}  {}\n";
  constexpr const char* for_script = "{}\t{}\t{}\t{}\n";
  return fmt::format(fmt::runtime(plain ? for_script : for_person), signal.number(), signal.name(),
                     to_string(signal.action()), signal.description());
}

std::string header(bool plain) {
  return plain ? ""
               : fmt::format("{:>2}  {:<9}  {:<9}  {}\n", "", "NAME", "DEFAULT", "WHAT IT IS FOR");
}

/// What one SPEC says, a line or more; nothing where it is none.
std::optional<std::string> translate(std::string_view text, const request& wanted) {
  const auto spec = read_spec(text);
  if (!spec) return std::nullopt;
  const bool is_exit = spec->signals == std::vector{signull};
  if (!wanted.describe || is_exit) return translated(*spec);
  std::string lines;
  for (const signal_id signal : spec->signals)
    lines += row(signal, wanted.plain);
  return lines;
}

int list_all(const request& wanted) {
  std::string text = header(wanted.plain);
  for (const signal_id signal : signal_set::all())
    text += row(signal, wanted.plain);
  print(text);
  return success;
}

int list_specs(const request& wanted) {
  std::string text = wanted.describe ? header(wanted.plain) : "";
  int status = success;
  for (const char* spec : wanted.specs) {
    if (const auto lines = translate(spec, wanted)) {
      text += *lines;
    } else {
      complain(quoted(spec) + ": unknown signal");
      status = failure;
    }
  }
  print(text);
  return status;
}

bool parse(int argc, char** argv, request& wanted) {
  command_line line(usage, description, footer);
  line.group("Options");
  line.flag("--describe", wanted.describe, "print the row of the table for each SPEC");
  line.flag("--plain", wanted.plain, "separate by tabs, without a header, for scripts");
  auto operands = line.parse(argc, argv, {});
  if (!operands) return false;
  wanted.specs = std::move(*operands);
  if (wanted.describe && wanted.specs.empty()) throw usage_error("--describe: missing SPEC");
  return true;
}

} // namespace
} // namespace sigkit::apps

int sigkit_run_siglist(int argc, char** argv) {
  using namespace sigkit::apps;
  return run_program(argv, {.usage = siglist_usage, .other = failure}, [&] {
    request wanted;
    if (!parse(argc, argv, wanted)) return static_cast<int>(success);
    return wanted.specs.empty() ? list_all(wanted) : list_specs(wanted);
  });
}
