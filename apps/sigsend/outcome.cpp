#include "sigsend/outcome.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <sigkit/wall_time.hpp>

#include "common/exit_codes.hpp"
#include "common/message.hpp"
#include "common/table.hpp"
#include "common/text.hpp"

namespace sigkit::apps {

namespace {

using json = nlohmann::ordered_json;
using kind = addressee::kind;

std::string word_of(const addressee& one) {
  return one.is == kind::group && one.id != 0 ? "-" + std::to_string(std::abs(one.id))
                                              : std::to_string(one.id);
}

/// As it was named, or with its name.
std::string label_of(const send_outcome& how, const addressee& one) {
  const auto named = how.targets.words.find(one.id);
  if (one.is == kind::process && !one.by_scope && named != how.targets.words.end())
    return apps::quoted(named->second);
  if (one.is != kind::process) return apps::quoted(word_of(one));
  const std::string name = one.facts.pid != 0 ? escaped(one.facts.name) : process_name(one.id);
  return word_of(one) + " (" + name + ")";
}

bool is_named(const send_outcome& how, const addressee& one) {
  return !one.by_scope && (one.is != kind::process || how.targets.words.contains(one.id));
}

/// Members of a group that was signalled in one call are no targets of their own.
bool counts(const send_outcome& how, const addressee& one) {
  const bool one_by_one = how.wanted.options.value || how.wanted.options.require_handler;
  return one.is != kind::group || !one_by_one;
}

std::string why_not(const addressee& one) {
  switch (one.outcome()) {
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
  std::size_t tried = 0;
  bool is_full = false;
  for (const addressee& one : how.done.addressees()) {
    if (!counts(how, one)) continue;
    const sending outcome = one.outcome();
    tried += outcome == sending::sent || outcome == sending::queue_full ? 1 : 0;
    done += outcome == sending::sent ? 1 : 0;
    is_full = is_full || outcome == sending::queue_full;
    const bool is_error = outcome == sending::not_permitted || outcome == sending::queue_full ||
                          (outcome == sending::gone && is_named(how, one));
    if (!is_error) continue;
    ++failed;
    complain(label_of(how, one) + ": " + why_not(one));
  }
  if (is_full) complain(fmt::format("{} of {} signals were queued", done, tried));
  if (done == 0 && failed == 0 && how.wanted.options.require_handler)
    complain("no process catches " + how.wanted.options.signal.name());
  if (how.waited_out) return timed_out;
  if (failed == 0 && done != 0) return success;
  return done == 0 ? failure : some_done;
}

std::size_t count_of(const escalation& done) {
  std::size_t count = 0;
  for (const addressee& one : done.addressees())
    if (one.is != kind::group) ++count;
  return count;
}

std::string pids_text(const escalation& done) {
  std::string text;
  for (const addressee& one : done.addressees())
    if (one.is != kind::group) text += std::to_string(one.id) + "\n";
  return text;
}

namespace {

process_description describe(const addressee& one) {
  process_description result;
  if (one.facts.pid != 0) result.name = one.facts.name;
  const auto facts = read_process(one.id);
  const bool is_same = facts && (one.facts.pid == 0 || facts->start_time == one.facts.start_time);
  if (!is_same || one.ended) return result;
  result.name = facts->name;
  if (const auto status = read_status(one.id)) result.user = user_name(status->uid);
  result.age = length_text(age_of(*facts));
  const auto words = read_command_line(one.id);
  result.command = command_text(words.value_or(std::vector<std::string>{}), facts->name);
  return result;
}

/// What was found on the way is described as it is now.
process_description description_of(const send_outcome& how, const addressee& one) {
  const auto known = how.before.find(one.id);
  process_description result = known != how.before.end() ? known->second : describe(one);
  if (result.command.empty()) result.command = "[" + escaped(result.name) + "]";
  return result;
}

/// "TERM, KILL at 2.00s, ended after 2.01s".
std::string outcome_text(const addressee& one) {
  std::string text;
  for (const taken_step& step : one.steps) {
    if (step.outcome != sending::sent) continue;
    if (!text.empty()) text += ", ";
    text += step.signal.name();
    if (step.at >= std::chrono::milliseconds(1) && &step != &one.steps.front())
      text += " at " + length_text(step.at);
  }
  const auto add = [&](const std::string& what) { text += (text.empty() ? "" : ", ") + what; };
  switch (one.outcome()) {
  case sending::gone: add("gone"); break;
  case sending::not_permitted: add("not permitted"); break;
  case sending::no_handler: add("does not catch it"); break;
  case sending::queue_full: add("queue full"); break;
  case sending::not_tried: add("would get it"); break;
  case sending::sent: break;
  }
  if (one.ended) add("ended after " + length_text(*one.ended));
  return text;
}

} // namespace

std::map<pid_t, process_description> describe_all(const escalation& known) {
  std::map<pid_t, process_description> result;
  for (const addressee& one : known.addressees())
    if (one.is != kind::group) result.emplace(one.id, describe(one));
  return result;
}

std::string table_text(const send_outcome& how, std::size_t line_width) {
  table rows({{"PID", true}, {"USER"}, {"AGE", true}, {"OUTCOME"}, {"COMMAND"}});
  for (const addressee& one : how.done.addressees()) {
    if (one.is == kind::group) {
      rows.add({word_of(one), "", "", outcome_text(one), "(process group)"});
      continue;
    }
    const process_description about = description_of(how, one);
    rows.add({word_of(one), about.user, about.age, outcome_text(one), about.command});
  }
  for (const unreached& one : how.targets.not_reached)
    rows.add({escaped(one.word), "", "", one.skipped ? "skipped" : "gone", ""});
  return rows.text(line_width);
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

json to_json(const send_outcome& how, const addressee& one) {
  json result;
  switch (one.is) {
  case kind::process: result["pid"] = one.id; break;
  case kind::thread: result["tid"] = one.id; break;
  case kind::group: result["group"] = one.id; break;
  }
  const auto named = how.targets.words.find(one.id);
  if (named != how.targets.words.end() && !one.by_scope) result["target"] = named->second;
  if (one.is != kind::group) {
    const process_description about = description_of(how, one);
    result["name"] = about.name;
    result["user"] = about.user;
  }
  const sending outcome = one.outcome();
  result["outcome"] = outcome == sending::not_tried ? "skipped" : to_string(outcome);
  result["by_scope"] = one.by_scope;
  result["steps"] = steps_of(one);
  result["ended"] = one.ended ? json(seconds(*one.ended)) : json(nullptr);
  return result;
}

json to_json(const unreached& one) {
  json result;
  if (one.pid != 0) result["pid"] = one.pid;
  result["target"] = one.word;
  result["outcome"] = one.skipped ? "skipped" : to_string(one.outcome);
  result["by_scope"] = false;
  result["steps"] = json::array();
  result["ended"] = nullptr;
  return result;
}

} // namespace

std::string json_text(const send_outcome& how, int status) {
  const escalation_options& options = how.wanted.options;
  json targets = json::array();
  for (const addressee& one : how.done.addressees())
    targets.push_back(to_json(how, one));
  for (const unreached& one : how.targets.not_reached)
    targets.push_back(to_json(one));
  const json document = {{"schema", "sigkit.sigsend/1"},
                         {"signal", options.signal.name()},
                         {"value", options.value ? json(*options.value) : json(nullptr)},
                         {"scope", to_string(options.reach)},
                         {"dry_run", how.wanted.what == send_request::action::only_say},
                         {"started", to_rfc3339(how.started)},
                         {"status", status},
                         {"timed_out", how.waited_out},
                         {"targets", std::move(targets)}};
  // What processes are called need not be UTF-8.
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

} // namespace sigkit::apps
