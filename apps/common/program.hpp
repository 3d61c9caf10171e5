#pragma once

#include <functional>

#include "common/exit_codes.hpp"

namespace sigkit::apps {

/// The exit statuses of a program that failed.
struct failure_codes {
  exit_code usage; ///< what the user typed is wrong
  exit_code other; ///< the system refused something
};

/// Runs a program's `body` and returns its exit status. What it throws becomes a message and a
/// status; after a usage_error the user is told where help is.
int run_program(char** argv, failure_codes codes, const std::function<int()>& body);

} // namespace sigkit::apps

// One call for each of the four programs, which are linked into the shared library. They are not
// part of its interface (see lib/README.md).
extern "C" {
__attribute__((visibility("default"))) int sigkit_run_sigtimeout(int argc, char** argv);
__attribute__((visibility("default"))) int sigkit_run_sigsend(int argc, char** argv);
__attribute__((visibility("default"))) int sigkit_run_sigtrap(int argc, char** argv);
__attribute__((visibility("default"))) int sigkit_run_siglist(int argc, char** argv);
}
