#include "sigtimeout/report.hpp"

#include <sigkit/wall_time.hpp>

#include "common/json_text.hpp"
#include "common/message.hpp"

namespace sigkit::apps {

namespace {

using json = nlohmann::ordered_json;

double seconds(duration length) {
  return std::chrono::duration<double>(length).count();
}

json names(signal_set set) {
  json result = json::array();
  for (const signal_id signal : set)
    result.push_back(signal.name());
  return result;
}

json brief(const process_facts& facts) {
  return {{"pid", facts.pid}, {"name", facts.name}};
}

json to_json(const sent_signal& sent) {
  json targets = json::array();
  for (const process_facts& facts : sent.targets)
    targets.push_back(brief(facts));
  return {{"at", seconds(sent.at)},
          {"signal", sent.signal.name()},
          {"scope", to_string(sent.reach)},
          {"targets", std::move(targets)}};
}

json to_json(const thread_diagnosis& thread) {
  return {{"id", thread.id},
          {"name", thread.name},
          {"state", std::string(1, thread.state)},
          {"wait_channel", thread.wait_channel},
          {"system_call", thread.system_call}};
}

json to_json(const process_diagnosis& process) {
  const thread_diagnosis none{};
  const thread_diagnosis& first = process.threads.empty() ? none : process.threads.front();
  json threads = json::array();
  for (const thread_diagnosis& thread : process.threads)
    threads.push_back(to_json(thread));
  return {{"pid", process.facts.pid},
          {"parent", process.facts.parent},
          {"name", process.facts.name},
          {"state", std::string(1, process.facts.state)},
          {"command_line", process.command_line},
          {"cpu_seconds", seconds(process.cpu_time)},
          {"memory", process.memory},
          {"age", seconds(process.age)},
          {"wait_channel", first.wait_channel},
          {"system_call", first.system_call},
          {"caught", names(process.caught)},
          {"blocked", names(process.blocked)},
          {"pending", names(process.pending)},
          {"threads", std::move(threads)}};
}

json sender(const supervise_result& result) {
  if (!result.interrupted_by) return nullptr;
  const signal_info& info = *result.interrupted_by;
  return {{"signal", info.signal.name()},
          {"pid", info.pid},
          {"uid", info.uid},
          {"name", process_name(info.pid)}};
}

template <class Range> json list_of(const Range& range) {
  json result = json::array();
  for (const auto& one : range)
    result.push_back(to_json(one));
  return result;
}

json words(char** command) {
  json result = json::array();
  for (; *command != nullptr; ++command)
    result.push_back(*command);
  return result;
}

} // namespace

std::string report_text(const run_report& report) {
  const supervise_result& result = report.result;
  json survivors = json::array();
  for (const process_facts& facts : result.survivors) {
    survivors.push_back(brief(facts));
    survivors.back()["state"] = std::string(1, facts.state);
  }
  const auto ended_by = result.command ? result.command->signal() : std::nullopt;
  json document = {
      {"schema", "sigkit.sigtimeout.report/1"},
      {"command", words(report.wanted.command)},
      {"started", to_rfc3339(report.started)},
      {"elapsed", seconds(result.elapsed)},
      {"outcome", to_string(report.error.empty() ? result.how : outcome::failed)},
      {"status", report.status},
      {"command_status", result.command ? json(to_string(*result.command)) : json(nullptr)},
      {"signal", ended_by ? json(ended_by->name()) : json(nullptr)},
      {"sender", sender(result)},
      {"limit_reached", result.limit_reached},
      {"cpu_seconds", seconds(result.cpu_time)},
      {"peak_memory", result.peak_memory},
      {"steps", list_of(result.sent)},
      {"diagnosis", list_of(report.diagnosis)},
      {"survivors", std::move(survivors)}};
  if (!report.error.empty()) document["error"] = report.error;
  return json_text_of(document);
}

} // namespace sigkit::apps
