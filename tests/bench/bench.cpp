// What the programs cost, against the tools that people have. `./dev bench` runs it.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>

#include "measure.hpp"

namespace {

using namespace bench;

constexpr std::string_view usage =
    R"(usage: bench [OPTION]... --shared DIR --static DIR --fixtures DIR

  --shared DIR    where sigtimeout, sigsend, sigtrap and siglist are, as installed
  --static DIR    where they are without shared objects
  --fixtures DIR  where one_page and the other programs of this folder are
  --runs N        how often each whole process is started (500); the rest in proportion
  --only NAME     limits, supervisors, dispositions, signals, lateness, endings, passing
                  or selection
  --table FILE    write the table there, not on stdout
  --svg FILE      write a picture there
)";

struct part {
  std::string_view name;
  std::vector<group> (*measure)(const settings&);
};
constexpr part parts[] = {{"limits", measure_limits},
                          {"supervisors", measure_supervisors},
                          {"dispositions", measure_dispositions},
                          {"signals", measure_signals},
                          {"lateness", measure_lateness},
                          {"endings", measure_endings},
                          {"passing", measure_passing},
                          {"selection", measure_selection}};

struct request {
  settings how;
  std::string only, table, svg;
};

[[noreturn]] void refuse(const std::string& what) {
  fmt::print(stderr, "bench: {}\n{}", what, usage);
  std::exit(2);
}

int parse_runs(const std::string& text) {
  char* end = nullptr;
  const long runs = std::strtol(text.c_str(), &end, 10);
  if (*end != '\0' || runs < 1 || runs > 100'000) refuse(text + ": not a number of runs");
  return static_cast<int>(runs);
}

void check(const request& asked) {
  bool known = asked.only.empty();
  for (const part& each : parts)
    known = known || each.name == asked.only;
  if (!known) refuse(asked.only + ": no such group");
  if (asked.how.shared.empty() || asked.how.statik.empty() || asked.how.fixtures.empty())
    refuse("--shared, --static and --fixtures are needed");
  for (const std::string& folder : {asked.how.shared, asked.how.statik})
    for (const char* program : {"/sigtimeout", "/sigsend", "/sigtrap", "/siglist"})
      if (::access((folder + program).c_str(), X_OK) != 0) refuse(folder + program + ": missing");
  for (const char* program : {"one_page", "bench_sleepers", "latecomer", "weigh"})
    if (::access(asked.how.fixture(program).c_str(), X_OK) != 0)
      refuse(asked.how.fixture(program) + ": missing");
}

request parse(int argc, char** argv) {
  request asked;
  std::string runs = "500";
  const std::pair<std::string_view, std::string*> options[] = {{"--shared", &asked.how.shared},
                                                               {"--static", &asked.how.statik},
                                                               {"--fixtures", &asked.how.fixtures},
                                                               {"--runs", &runs},
                                                               {"--only", &asked.only},
                                                               {"--table", &asked.table},
                                                               {"--svg", &asked.svg}};
  for (int i = 1; i < argc; i += 2) {
    std::string* value = nullptr;
    for (const auto& [name, place] : options)
      if (name == argv[i]) value = place;
    if (value == nullptr) refuse(std::string(argv[i]) + ": no such option");
    if (i + 1 == argc) refuse(std::string(argv[i]) + ": a value is missing");
    *value = argv[i + 1];
  }
  asked.how.runs = parse_runs(runs);
  check(asked);
  return asked;
}

void write(const std::string& text, const std::string& path) {
  std::FILE* file = path.empty() ? stdout : std::fopen(path.c_str(), "w");
  if (file == nullptr || std::fwrite(text.data(), 1, text.size(), file) != text.size() ||
      std::fflush(file) != 0)
    throw std::runtime_error((path.empty() ? "stdout" : path) + ": cannot be written");
  if (!path.empty()) std::fclose(file);
}

int run(const request& asked) try {
  std::vector<group> groups;
  for (const part& each : parts) {
    if (!asked.only.empty() && asked.only != each.name) continue;
    for (group& one : each.measure(asked.how))
      groups.push_back(std::move(one));
  }
  write(describe_system() + table_of(groups), asked.table);
  if (!asked.svg.empty()) write(chart_of(groups), asked.svg);
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "bench: {}\n", error.what());
  return 1;
}

} // namespace

int main(int argc, char** argv) {
  const request asked = parse(argc, argv);
  return contained([&asked] { return run(asked); });
}
