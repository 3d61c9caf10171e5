#include "sigsend/outcome.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include <fmt/format.h>

#include <sigkit/wall_time.hpp>

#include "common/exit_codes.hpp"
#include "common/json_text.hpp"
#include "common/message.hpp"
#include "common/table.hpp"
#include "common/text.hpp"

namespace sigkit::apps {

namespace {

using json = nlohmann::ordered_json;
using target_kind = addressee::kind;

std::string word_of(const addressee& one) {
  return one.is == target_kind::group && one.id != 0 ? "-" + std::to_string(std::abs(one.id))
                                                     : std::to_string(one.id);
}

/// As it was named, or with its name.
std::string label_of(const send_outcome& how, const addressee& one) {
  const auto named = how.targets.words.find(one.id);
  if (one.is == target_kind::process && !one.by_scope && named != how.targets.words.end())
    return apps::in_quotes(named->second);
  if (one.is != target_kind::process) return apps::in_quotes(word_of(one));
  const bool is_known = one.facts.pid != 0 && !one.facts.name.empty();
  const std::string name = is_known ? escaped(one.facts.name) : process_name(one.id);
  return word_of(one) + " (" + name + ")";
}

bool is_named(const send_outcome& how, const addressee& one) {
  return !one.by_scope && (one.is != target_kind::process || how.targets.words.contains(one.id));
}

/// Where a group's members are signalled one by one, it is no target of its own.
bool is_target(const send_outcome& how, const addressee& one) {
  const bool one_by_one = how.wanted.options.value || how.wanted.options.require_handler ||
                          how.wanted.what == send_request::action::send;
  return one.is != target_kind::group || !one.steps.empty() || !one_by_one;
}

bool had(const addressee& one, sending outcome) {
  return std::ranges::any_of(one.steps,
                             [=](const taken_step& step) { return step.outcome == outcome; });
}

/// The last outcome, but a queue that was full is not forgotten for what came after it.
sending outcome_of(const addressee& one) {
  return had(one, sending::queue_full) ? sending::queue_full : one.outcome();
}

/// Who only waits for others' processes learns that they were there.
bool was_waited_for(const send_outcome& how, const addressee& one) {
  return how.wanted.options.wait && how.wanted.options.signal == signull && one.ended;
}

bool is_error(const send_outcome& how, const addressee& one) {
  switch (outcome_of(one)) {
  case sending::not_permitted: return !was_waited_for(how, one);
  case sending::queue_full: return true;
  case sending::gone: return is_named(how, one);
  default: return false;
  }
}

std::string why_not(const addressee& one) {
  switch (outcome_of(one)) {
  case sending::not_permitted: return std::strerror(EPERM);
  case sending::queue_full: return "its queue of signals is full";
  default: return std::strerror(ESRCH);
  }
}

double seconds(duration length) {
  return std::chrono::duration_cast<std::chrono::duration<double>>(length).count();
}

} // namespace

int complain_and_status(const send_outcome& how) {
  std::size_t done = 0;
  std::size_t failed = how.targets.not_reached.size();
  std::size_t queued = 0;
  std::size_t not_queued = 0;
  for (const addressee& one : how.done.addressees()) {
    if (!is_target(how, one)) continue;
    if (had(one, sending::sent) || was_waited_for(how, one)) ++done;
    if (had(one, sending::queue_full))
      ++not_queued;
    else if (had(one, sending::sent))
      ++queued;
    if (!is_error(how, one)) continue;
    ++failed;
    complain(label_of(how, one) + ": " + why_not(one));
  }
  if (not_queued != 0)
    complain(fmt::format("{} of {} were sent the value", queued, queued + not_queued));
  if (done == 0 && failed == 0 && how.wanted.options.require_handler)
    complain("no process catches " + how.wanted.options.signal.name());
  if (how.waited_out) return timed_out;
  if (failed == 0 && done != 0) return success;
  return done == 0 ? failure : some_done;
}

namespace {

/// What was found on the way is described as it is now.
process_description description_of(const send_outcome& how, const addressee& one) {
  if (const auto known = how.before.find(one.id); known != how.before.end()) return known->second;
  process_description result;
  if (!one.ended) result = describe(one.id, one.facts.start_time);
  if (result.name == "?" && one.facts.pid != 0) {
    result.name = one.facts.name;
    result.command = "[" + escaped(one.facts.name) + "]";
  }
  return result;
}

/// "4ms", "2.01s".
std::string time_text(duration length) {
  using namespace std::chrono;
  return length < 10ms ? to_string(ceil<milliseconds>(length)) : length_text(length);
}

/// "TERM, KILL at 2.00s, ended after 2.01s".
std::string outcome_text(const addressee& one) {
  std::string text;
  const auto add = [&](const std::string& what) { text += (text.empty() ? "" : ", ") + what; };
  for (const taken_step& step : one.steps)
    if (step.outcome == sending::sent)
      add(step.signal.name() + (&step == &one.steps.front() ? "" : " at " + time_text(step.at)));
  switch (outcome_of(one)) {
  case sending::gone: add("gone"); break;
  case sending::not_permitted: add("not permitted"); break;
  case sending::no_handler: add("does not catch it"); break;
  case sending::queue_full: add("queue full"); break;
  case sending::not_tried:
  case sending::sent: break;
  }
  if (one.ended) add("ended after " + time_text(*one.ended));
  return text;
}

emphasis emphasis_of(const send_outcome& how, const addressee& one) {
  if (is_error(how, one)) return emphasis::failure;
  return had(one, sending::sent) ? emphasis::none : emphasis::faint;
}

/// "TERM, 10s, KILL over the tree".
std::string plan_text(const escalation_options& options) {
  const auto over = [&](scope reach) {
    return reach == scope::process ? "" : std::string(" over the ") + to_string(reach);
  };
  std::string text = options.signal.name() + over(options.reach);
  if (options.value) text += fmt::format(" with {}", *options.value);
  for (const step& one : options.steps)
    text += ", " + to_string(one.after) + ", " + one.signal.name() +
            over(one.reach.value_or(options.reach));
  return text;
}

std::string group_text(pid_t group) {
  if (group == -1) return "(every process)";
  return group == 0 ? "(own process group)" : "(process group)";
}

} // namespace

std::map<pid_t, process_description> describe_all(const escalation& known) {
  std::map<pid_t, process_description> result;
  for (const addressee& one : known.addressees())
    if (one.is != target_kind::group)
      result.emplace(one.id, describe(one.id, one.facts.start_time));
  return result;
}

std::string table_text(const send_outcome& how, int descriptor) {
  const bool is_plan = how.wanted.what == send_request::action::only_say;
  table rows({{"PID", true}, {"USER"}, {"AGE", true}, {"OUTCOME"}, {"COMMAND"}});
  for (const addressee& one : how.done.addressees()) {
    if (!is_target(how, one)) continue;
    const process_description about = one.is == target_kind::group
                                          ? process_description{"", "", "", group_text(one.id)}
                                          : description_of(how, one);
    const bool would_get = is_plan && outcome_of(one) == sending::not_tried;
    rows.add({word_of(one), about.user, about.age, would_get ? "would get it" : outcome_text(one),
              about.command},
             is_plan && would_get ? emphasis::none : emphasis_of(how, one));
  }
  for (const unreached& one : how.targets.not_reached)
    rows.add({one.pid != 0 ? std::to_string(one.pid) : escaped(one.word),
              one.pid != 0 ? one.about.user : "", one.pid != 0 ? one.about.age : "",
              one.gone ? "gone" : "skipped", one.pid != 0 ? one.about.command : ""},
             one.pid != 0 ? emphasis::warning : emphasis::failure);
  if (rows.empty()) return {};
  return (is_plan ? plan_text(how.wanted.options) + ":\n" : "") +
         rows.text(terminal_width(descriptor), uses_colors(how.wanted.colors, descriptor));
}

namespace {

json steps_of(const addressee& one) {
  json steps = json::array();
  for (const taken_step& step : one.steps)
    steps.push_back({{"signal", step.signal.name()},
                     {"at", seconds(step.at)},
                     {"outcome", to_string(step.outcome)}});
  return steps;
}

/// The inode of its pidfd, for PID:INODE; null where it has ended or the kernel has none.
json inode_of_process(const addressee& one) try {
  const auto held = pidfd::open(one.id);
  if (!held) return nullptr;
  const std::uint64_t inode = inode_of(*held);
  if (one.facts.pid == 0) return inode;
  // Looked at after it was opened: that it is still the same one.
  const auto now = read_process(one.id);
  return now && now->start_time == one.facts.start_time ? json(inode) : json(nullptr);
} catch (const error&) {
  return nullptr;
}

json to_json(const send_outcome& how, const addressee& one) {
  json result;
  switch (one.is) {
  case target_kind::process:
    result["pid"] = one.id;
    result["inode"] = inode_of_process(one);
    break;
  case target_kind::thread: result["tid"] = one.id; break;
  case target_kind::group: result["group"] = one.id; break;
  }
  const auto named = how.targets.words.find(one.id);
  if (named != how.targets.words.end() && !one.by_scope) result["target"] = named->second;
  if (one.is != target_kind::group) {
    const process_description about = description_of(how, one);
    result["name"] = about.name;
    result["user"] = about.user;
  }
  const sending outcome = outcome_of(one);
  result["outcome"] = outcome == sending::not_tried ? "skipped" : to_string(outcome);
  result["by_scope"] = one.by_scope;
  result["steps"] = steps_of(one);
  result["ended"] = one.ended ? json(seconds(*one.ended)) : json(nullptr);
  return result;
}

json to_json(const unreached& one) {
  json result;
  if (one.pid != 0) {
    result["pid"] = one.pid;
    result["name"] = one.about.name;
    result["user"] = one.about.user;
  }
  result["target"] = one.word;
  result["outcome"] = one.gone ? "gone" : "skipped";
  result["why"] = one.why;
  result["by_scope"] = false;
  result["steps"] = json::array();
  result["ended"] = nullptr;
  return result;
}

json ladder_of(const escalation_options& options) {
  json steps = json::array();
  for (const step& one : options.steps)
    steps.push_back({{"after", one.after == never ? json(nullptr) : json(seconds(one.after))},
                     {"signal", one.signal.name()},
                     {"scope", to_string(one.reach.value_or(options.reach))}});
  return steps;
}

} // namespace

std::string json_text(const send_outcome& how, int status) {
  const escalation_options& options = how.wanted.options;
  json targets = json::array();
  const bool is_plan = how.wanted.what != send_request::action::send;
  for (const addressee& one : how.done.addressees())
    if (is_target(how, one)) targets.push_back(to_json(how, one));
  for (const unreached& one : how.targets.not_reached)
    targets.push_back(to_json(one));
  const json document = {{"schema", "sigkit.sigsend/1"},
                         {"signal", options.signal.name()},
                         {"value", options.value ? json(*options.value) : json(nullptr)},
                         {"scope", to_string(options.reach)},
                         {"ladder", ladder_of(options)},
                         {"dry_run", is_plan},
                         {"started", to_rfc3339(how.started)},
                         {"status", status},
                         {"timed_out", how.waited_out},
                         {"targets", std::move(targets)}};
  return json_text_of(document);
}

} // namespace sigkit::apps
