#include "common/exit_codes.hpp"
#include "common/program.hpp"
#include "siglist/finding.hpp"
#include "siglist/processes.hpp"
#include "siglist/request.hpp"
#include "siglist/signals.hpp"
#include "siglist/watching.hpp"

namespace sigkit::apps {

namespace {

int run(const list_request& wanted) {
  switch (wanted.what) {
  case list_request::action::list: return list_signals(wanted);
  case list_request::action::describe: return describe_signals(wanted);
  case list_request::action::decode_status: return decode_statuses(wanted);
  case list_request::action::show_processes:
    return wanted.watch ? watch_processes(wanted) : show_processes(wanted);
  case list_request::action::find: return find_processes(wanted);
  case list_request::action::show_inherited: return show_inherited(wanted);
  }
  return failure;
}

} // namespace
} // namespace sigkit::apps

int sigkit_run_siglist(int argc, char** argv) {
  using namespace sigkit::apps;
  return run_program(argv, {.usage = siglist_usage, .other = failure}, [&] {
    const auto wanted = parse_list_request(argc, argv);
    return wanted ? run(*wanted) : static_cast<int>(success);
  });
}
