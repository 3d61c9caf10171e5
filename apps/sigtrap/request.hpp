#pragma once

#include <string>
#include <vector>

#include <sigkit/duration.hpp>
#include <sigkit/signal_set.hpp>
#include <sigkit/supervise.hpp>

namespace sigkit::apps {

/// What the user asked sigtrap for.
struct trap_request {
  enum class job : unsigned char {
    become,    ///< set what COMMAND does with signals, and execute it
    supervise, ///< run it, and stay
    wait,      ///< no COMMAND: wait for signals
  };
  job what = job::supervise;
  supervise_options options;
  std::vector<std::string> texts; ///< of the shell, for options.traps of the same index
  bool list = false;
  bool verbose = false;
  bool is_init = false; ///< --init, or PID 1
  char** command = nullptr;

  signal_set awaited;
  int count = 1; ///< 0: for ever
  duration timeout = never;
  bool print_pid = false;
  bool json = false;
};

/// Reads the words into `wanted`; false where --help or the like was printed. Throws usage_error.
bool parse_trap_request(int argc, char** argv, trap_request& wanted);

} // namespace sigkit::apps
