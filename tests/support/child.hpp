#pragma once

#include <doctest/doctest.h>

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sigkit/exit_status.hpp>
#include <sigkit/unique_fd.hpp>

namespace test {

using namespace std::chrono_literals;

/// How long a test waits for something that should come at once, on a machine that is busy.
inline constexpr auto patience = std::chrono::seconds(20);

struct run_options {
  std::vector<std::string> environment; ///< NAME=VALUE, in addition to the test's own
  std::function<void()> before_exec;    ///< runs in the child
  std::string argv0;                    ///< what the program is called by; its path if empty
};

/// A program that runs, with its output on pipes. Killed and reaped when it goes out of scope.
class child {
public:
  child(std::vector<std::string> argv, const run_options& options = {});
  child(const child&) = delete;
  child& operator=(const child&) = delete;
  ~child();

  [[nodiscard]] pid_t pid() const { return pid_; }

  /// Waits for a line that starts so and returns it; throws after `patience` or at the end.
  std::string wait_for_line(std::string_view start);

  /// Reads what is left, waits for the end, and says how it ended; throws after `patience`.
  sigkit::exit_status finish();

  [[nodiscard]] const std::string& out() const { return out_; } ///< all of stdout so far
  [[nodiscard]] const std::string& err() const { return err_; } ///< all of stderr so far

private:
  bool read_some(std::chrono::steady_clock::time_point deadline);

  pid_t pid_ = -1;
  sigkit::unique_fd out_end_;
  sigkit::unique_fd err_end_;
  std::string out_;
  std::string err_;
  std::size_t searched_ = 0;
  bool reaped_ = false;
};

struct run_result {
  sigkit::exit_status status;
  std::string out;
  std::string err;
};

/// Runs a program to its end.
run_result run(std::vector<std::string> argv, const run_options& options = {});

/// Asks again and again whether `condition` holds, for `patience` at most.
bool eventually(const std::function<bool()>& condition);

/// A mark that no other test has, to be put into the environment of a job.
std::string new_mark();

/// The PIDs, with their names and states, of all processes that have `mark` in their environment
/// and have not ended: "4711 (sleep) S".
std::vector<std::string> marked_processes(const std::string& mark);

/// Kills what has the mark, so that a test that fails leaves nothing behind.
void kill_marked(const std::string& mark);

/// A directory that is removed with all that is in it.
class temporary_directory {
public:
  temporary_directory();
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  ~temporary_directory();
  [[nodiscard]] const std::string& path() const { return path_; }

private:
  std::string path_;
};

/// The path of one of the four programs, of the probe, or of what makes hostile trees.
std::string program(const std::string& name);

} // namespace test

/// Ends the test case and has it counted as skipped.
#define SKIP(reason)                                                                               \
  do {                                                                                             \
    std::printf("SKIPPED: %s\n", reason);                                                          \
    return;                                                                                        \
  } while (false)

/// A check that fails says how the process ended.
template <> struct doctest::StringMaker<sigkit::exit_status> {
  static String convert(const sigkit::exit_status& status) { return to_string(status).c_str(); }
};
