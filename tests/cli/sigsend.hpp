// What the tests of sigsend share.
#pragma once

#include <doctest/doctest.h>

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include <sigkit/process.hpp>

#include "support/child.hpp"

namespace test {

using sigkit::exit_status;

inline std::vector<std::string> sigsend_words(std::vector<std::string> words) {
  words.insert(words.begin(), program("sigsend"));
  return words;
}

inline run_result sigsend(std::vector<std::string> words, const run_options& options = {}) {
  return run(sigsend_words(std::move(words)), options);
}

/// With --json, as a document.
inline nlohmann::json sigsend_json(std::vector<std::string> words) {
  words.insert(words.begin(), "--json");
  return nlohmann::json::parse(sigsend(std::move(words)).out);
}

inline constexpr const char* help_hint = "Try 'sigsend --help' for more information.\n";

/// The probe in a group of its own; by default it ends with 7 at TERM.
class target : public child {
public:
  explicit target(std::vector<std::string> words = {"catch", "TERM:7"},
                  const run_options& options = {})
      : child(with_program(std::move(words)), own_group(options)) {
    wait_for_line("ready");
  }
  [[nodiscard]] std::string number() const { return std::to_string(pid()); }

private:
  static std::vector<std::string> with_program(std::vector<std::string> words) {
    words.insert(words.begin(), program("probe"));
    return words;
  }
  static run_options own_group(run_options options) {
    options.before_exec = [before = options.before_exec] {
      ::setpgid(0, 0);
      if (before) before();
    };
    return options;
  }
};

/// What was echoed as "NAME TEXT", now or before.
inline std::string said_by(child& who, const std::string& name) {
  for (;;) {
    const std::string text = "\n" + who.out();
    const std::size_t start = text.find("\n" + name + " ");
    const std::size_t end = start == std::string::npos ? start : text.find('\n', start + 1);
    const std::size_t value = start + name.size() + 2;
    if (end != std::string::npos) return text.substr(value, end - value);
    who.wait_for_line("");
  }
}

/// A job of shell commands that leads a session; the PIDs that it says are killed at the end.
class shell_job : public child {
public:
  explicit shell_job(const std::string& script) : shell_job(script, new_mark()) {}
  ~shell_job() { kill_marked(mark_); }
  [[nodiscard]] std::string number() const { return std::to_string(pid()); }
  [[nodiscard]] std::vector<std::string> left() const { return marked_processes(mark_); }
  [[nodiscard]] bool all_end() const {
    return eventually([this] { return left().empty(); });
  }
  [[nodiscard]] std::string pid_of(const std::string& name) { return said_by(*this, name); }

private:
  shell_job(const std::string& script, std::string mark)
      : child({"sh", "-c", script},
              {.environment = {mark}, .before_exec = [] { ::setsid(); }, .argv0 = {}}),
        mark_(std::move(mark)) {}
  std::string mark_;
};

inline bool is_alive(const std::string& pid) {
  const auto facts = sigkit::read_process(std::stoi(pid));
  return facts && facts->state != 'Z';
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A program of this name, which has it in comm and in argv[0].
inline std::string probe_named(const temporary_directory& folder, const std::string& name) {
  const std::string path = folder.path() + "/" + name;
  REQUIRE(::symlink(program("probe").c_str(), path.c_str()) == 0);
  return path;
}

/// So few files may be open in what is run.
inline run_options with_files(rlim_t files) {
  return {.environment = {},
          .before_exec =
              [files] {
                const rlimit limit{files, files};
                ::setrlimit(RLIMIT_NOFILE, &limit);
              },
          .argv0 = {}};
}

} // namespace test
