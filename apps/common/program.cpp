#include "common/program.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <exception>
#include <string>

#include "common/message.hpp"

namespace sigkit::apps {

namespace {

/// A standard descriptor that is closed must not become that of a file that is opened here, which
/// what is meant for stdout or stderr would go to. Its place is taken by one that cannot be used,
/// and that a command does not inherit.
void keep_places_of_closed() {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor)
    if (::fcntl(descriptor, F_GETFD) < 0) ::open("/", O_PATH | O_CLOEXEC);
}

} // namespace

int run_program(char** argv, failure_codes codes, const std::function<int()>& body) {
  set_program_name(argv[0]);
  keep_places_of_closed();
  try {
    return body();
  } catch (const usage_error& wrong) {
    complain(wrong.what());
    complain_about_help();
    return codes.usage;
  } catch (const std::exception& failure) {
    complain(failure.what());
    return codes.other;
  }
}

} // namespace sigkit::apps
