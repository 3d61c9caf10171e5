// What the programs are linked with where the library goes by its place: it has the names that they
// call, and is neither installed nor loaded.
#include "common/program.hpp"

int sigkit_run_siglist(int /*argc*/, char** /*argv*/) {
  return 0;
}

int sigkit_run_sigsend(int /*argc*/, char** /*argv*/) {
  return 0;
}

int sigkit_run_sigtimeout(int /*argc*/, char** /*argv*/) {
  return 0;
}

int sigkit_run_sigtrap(int /*argc*/, char** /*argv*/) {
  return 0;
}
