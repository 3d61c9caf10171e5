#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <map>
#include <optional>
#include <utility>

#include <sigkit/mask.hpp>
#include <sigkit/wait.hpp>

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

/// What is sent to a group, or over a scope, that this process is in waits until everything is
/// said. Where there is more to do than to send once, it is not for this process at all.
class own_share {
public:
  own_share(const escalation_options& options, bool is_meant)
      : has_more_to_do_(!options.steps.empty() || options.wait) {
    if (!is_meant) return;
    signals_.insert(options.signal);
    for (const step& one : options.steps)
      signals_.insert(one.signal);
    blocked_.emplace(mask_change::block, signals_);
  }
  own_share(const own_share&) = delete;
  own_share& operator=(const own_share&) = delete;
  ~own_share() {
    if (!blocked_ || !has_more_to_do_) return;
    const signal_set ours = signals_ - blocked_->previous();
    while (!ours.empty() && sigtimedwait(ours, duration::zero())) {
    }
  }

private:
  bool has_more_to_do_;
  signal_set signals_;
  std::optional<scoped_mask> blocked_;
};

void check_reach(const send_request& wanted, const escalation& sends) {
  if (sends.reaches_self() && !wanted.options.include_self)
    throw error(EPERM,
                "the scope has sigsend itself, one of its ancestors, or the root cgroup in it "
                "(--include-self)");
}

/// What is only said, and not done.
int say_only(const send_request& wanted, const found_targets& targets, const escalation& sends) {
  const std::size_t count = count_of(sends);
  const bool is_all = targets.not_reached.empty();
  const int status = count == 0 ? failure : is_all ? success : some_done;
  if (wanted.what == action::print_count)
    print(std::to_string(count) + "\n");
  else if (wanted.what == action::print_pids)
    print(pids_text(sends));
  else {
    const send_outcome how{wanted, targets, sends, describe_all(sends),
                           std::chrono::system_clock::now()};
    print(wanted.json ? json_text(how, status) : table_text(how, terminal_width(STDOUT_FILENO)));
  }
  return status;
}

int send(send_request& wanted) {
  const bool sends_nothing = wanted.what != action::send;
  wanted.options.hold_members = sends_nothing;
  escalation sends(wanted.options);
  const found_targets targets = add_targets(wanted, sends);
  sends.find();
  check_reach(wanted, sends);
  if (sends_nothing) return say_only(wanted, targets, sends);
  const own_share waiting(wanted.options, targets.reaches_self || wanted.options.include_self);
  const bool is_told = wanted.json || wanted.verbose;
  auto before = is_told ? describe_all(sends) : std::map<pid_t, process_description>{};
  const auto started = std::chrono::system_clock::now();
  const bool all_ended = sends.run();
  const send_outcome how{wanted, targets, sends, std::move(before), started, !all_ended};
  const int status = complain_and_status(how);
  if (wanted.json) print(json_text(how, status));
  if (wanted.verbose) say(table_text(how, terminal_width(STDERR_FILENO)));
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
