// The machine and the tools that were measured.
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "measure.hpp"

namespace bench {

namespace {

/// Without the line's end.
std::string next_line(std::FILE* from) {
  char line[512] = "";
  if (std::fgets(line, sizeof line, from) == nullptr) return {};
  line[std::strcspn(line, "\n")] = '\0';
  return line;
}

std::string processor() {
  std::FILE* file = std::fopen("/proc/cpuinfo", "r");
  if (file == nullptr) return "unknown processor";
  std::string line;
  while (!(line = next_line(file)).empty() && !line.starts_with("model name")) {
  }
  std::fclose(file);
  const std::size_t colon = line.find(": ");
  return colon == std::string::npos ? "unknown processor" : line.substr(colon + 2);
}

/// The first line that it prints when it is asked for its version.
std::string version_of(const std::string& tool, const char* option) {
  const std::string path = find_tool(tool);
  if (path.empty()) return tool + ": not installed";
  std::FILE* said = ::popen(fmt::format("{} {} 2>&1 </dev/null", path, option).c_str(), "r");
  if (said == nullptr) throw std::system_error(errno, std::generic_category(), "popen");
  const std::string line = next_line(said);
  ::pclose(said);
  return line.starts_with(tool) ? line : tool + ": " + line;
}

} // namespace

std::string describe_system() {
  utsname kernel{};
  ::uname(&kernel);
  std::string text = fmt::format("Linux {}, {}, {}\n{} processors\n", kernel.release,
                                 kernel.machine, processor(), ::sysconf(_SC_NPROCESSORS_ONLN));
  for (const char* tool : {"timeout", "env", "kill", "pkill", "ps", "tini", "dumb-init"})
    text += version_of(tool, "--version") + '\n';
  text += version_of("timelimit", "--features") + '\n';
  text += version_of("busybox", "") + '\n';
  return text + "Ratios are to the first row of each group, in each round: their median, and their "
                "quartiles.\n";
}

} // namespace bench
