#include "common/program.hpp"

#include <exception>
#include <string>

#include "common/message.hpp"

namespace sigkit::apps {

int run_program(char** argv, failure_codes codes, const std::function<int()>& body) {
  set_program_name(argv[0]);
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
