#include <unistd.h>

#include <chrono>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <sigkit/mask.hpp>

#include "common/message.hpp"
#include "common/output.hpp"
#include "common/program.hpp"
#include "common/table.hpp"
#include "sigsend/listing.hpp"
#include "sigsend/outcome.hpp"
#include "sigsend/request.hpp"
#include "sigsend/targets.hpp"

namespace sigkit::apps {

namespace {

using action = send_request::action;

void check_reach(const send_request& wanted, const escalation& sends) {
  if (sends.reaches_self() && !wanted.options.include_self)
    throw std::runtime_error(
        "the scope has sigsend itself, one of its ancestors, or the root cgroup "
        "in it (--include-self)");
}

/// How many would get it.
std::size_t count_of(const escalation& checked) {
  std::size_t count = 0;
  for (const addressee& one : checked.addressees())
    if (one.is != addressee::kind::group && one.outcome() == sending::not_tried) ++count;
  return count;
}

std::string pids_text(const escalation& checked) {
  std::string text;
  for (const addressee& one : checked.addressees())
    if (one.is != addressee::kind::group && one.outcome() == sending::not_tried)
      text += std::to_string(one.id) + "\n";
  return text;
}

/// What is only said, and not done. Whose PID is asked for need not be permitted to be signalled.
int say_only(const send_request& wanted, const found_targets& targets, escalation& sends) {
  if (wanted.what == action::only_say || wanted.options.require_handler) sends.check();
  const std::size_t count = count_of(sends);
  const bool is_asked = wanted.options.require_handler && !sends.addressees().empty();
  if (count == 0 && is_asked)
    complain("no process catches " + wanted.options.signal.name());
  else if (count == 0 && targets.not_reached.empty() && !wanted.has_conditions)
    complain("there is no such process");
  const bool is_whole = targets.not_reached.empty();
  const int status = count == 0 ? failure : is_whole ? success : some_done;
  const send_outcome how{wanted, targets, sends, describe_all(sends),
                         std::chrono::system_clock::now()};
  if (wanted.json)
    print(json_text(how, status));
  else if (wanted.what == action::print_count)
    print(std::to_string(count) + "\n");
  else if (wanted.what == action::print_pids)
    print(pids_text(sends));
  else
    print(table_text(how, STDOUT_FILENO));
  return status;
}

int send(send_request& wanted) {
  const bool sends_nothing = wanted.what != action::send;
  wanted.options.hold_members = sends_nothing;
  make_room_for(wanted);
  escalation sends(wanted.options);
  const found_targets targets = add_targets(wanted, sends);
  sends.find();
  check_reach(wanted, sends);
  if (sends_nothing) return say_only(wanted, targets, sends);
  const bool is_told = wanted.json || wanted.verbose;
  auto before = is_told ? describe_all(sends) : std::map<pid_t, process_description>{};
  // What comes back to this process, from its own group or a scope that it is in, waits until
  // everything is said. Where there are further steps or a wait, nothing does.
  const bool is_all = wanted.options.steps.empty() && !wanted.options.wait;
  std::optional<scoped_mask> until_said;
  if (is_all && (targets.reaches_self || sends.reaches_self()))
    until_said.emplace(mask_change::block, signal_set{wanted.options.signal});
  const auto started = std::chrono::system_clock::now();
  const bool all_ended = sends.run();
  const send_outcome how{wanted, targets, sends, std::move(before), started, !all_ended};
  const int status = complain_and_status(how);
  if (wanted.json) print(json_text(how, status));
  if (wanted.verbose) say(table_text(how, STDERR_FILENO));
  return status;
}

} // namespace
} // namespace sigkit::apps

int sigkit_run_sigsend(int argc, char** argv) {
  using namespace sigkit::apps;
  return run_program(argv, {.usage = failure, .other = failure}, [&] {
    send_request wanted;
    if (!parse_send_request(argc, argv, wanted)) return static_cast<int>(success);
    switch (wanted.what) {
    case action::list:
    case action::described_table:
    case action::table:
    case action::show_state: return run_listing(wanted);
    default: return send(wanted);
    }
  });
}
