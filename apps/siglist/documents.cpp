#include "siglist/documents.hpp"

#include <sigkit/wall_time.hpp>

#include "common/json_text.hpp"
#include "common/message.hpp"

namespace sigkit::apps {

namespace {

using json = nlohmann::ordered_json;

template <class List, class Make> json list_of(const List& list, Make make) {
  json result = json::array();
  for (const auto& one : list)
    result.push_back(make(one));
  return result;
}

std::string document_of(const char* schema, const char* field, json list) {
  return json_text_of({{"schema", schema}, {field, std::move(list)}});
}

json names_in(signal_set set) {
  return list_of(set, [](signal_id signal) { return signal.name(); });
}

json number_and_name(signal_id signal) {
  return {{"number", signal.number()}, {"name", name_of(signal)}};
}

const char* kind_word(signal_spec::kind kind) {
  switch (kind) {
  case signal_spec::kind::name: return "name";
  case signal_spec::kind::number: return "number";
  case signal_spec::kind::mask: return "mask";
  }
  return "";
}

const char* kind_word(decoded_status::kind kind) {
  switch (kind) {
  case decoded_status::kind::exited: return "exited";
  case decoded_status::kind::killed: return "killed";
  case decoded_status::kind::stopped: return "stopped";
  case decoded_status::kind::continued: return "continued";
  }
  return "";
}

json json_of(const signal_row& row) {
  return {{"number", row.signal.number()},
          {"name", row.signal.name()},
          {"disposition", word_of(row.how)},
          {"blocked", row.blocking != 0 && row.blocking == row.threads},
          {"blocking_threads", row.blocking},
          {"pending_process", row.pending},
          {"pending_threads", row.pending_threads},
          {"awaited", row.awaited},
          {"outcome", to_string(row.outcome)}};
}

json json_of(const signal_section& section) {
  return {{"tid", section.thread},
          {"name", section.name},
          {"state", std::string(1, section.state)},
          {"signals", list_of(section.rows, [](const signal_row& row) { return json_of(row); })}};
}

json json_of(const listed_process& process) {
  const process_status& status = process.signals.status;
  json threads = json::array();
  for (const signal_section& section : process.sections)
    if (section.thread != 0) threads.push_back(json_of(section));
  json result = {{"pid", status.id},
                 {"name", process.signals.facts.name},
                 {"state", std::string(1, state_of(process.signals))},
                 {"user", user_name(status.effective_uid)},
                 {"uid", status.effective_uid},
                 {"kernel", process.signals.facts.kernel},
                 {"tracer", status.tracer != 0 ? json(status.tracer) : json(nullptr)},
                 {"queued", status.queued},
                 {"queue_limit", status.queue_limit},
                 {"complete", process.signals.is_complete},
                 {"thread_count", status.threads},
                 {"signals", list_of(process.sections.front().rows,
                                     [](const signal_row& row) { return json_of(row); })}};
  if (!threads.empty()) result["threads"] = std::move(threads);
  return result;
}

json json_of(const found_process& one, user_names& users) {
  return {{"pid", one.status.id},
          {"name", one.status.name},
          {"state", std::string(1, one.status.state)},
          {"user", users.of(one.status.effective_uid)},
          {"uid", one.status.effective_uid},
          {"thread_count", one.status.threads},
          {"pending", names_in(one.status.shared_pending)},
          {"pending_threads", names_in(one.pending_for_some)},
          {"blocked", names_in(one.blocked_by_all)},
          {"blocked_threads", names_in(one.blocked_by_some)},
          {"ignored", names_in(one.status.ignored)},
          {"caught", names_in(one.status.caught)}};
}

} // namespace

std::string signals_document(const std::vector<signal_id>& signals) {
  return document_of("sigkit.siglist.signals/1", "signals", list_of(signals, [](signal_id signal) {
                       json one = number_and_name(signal);
                       one["action"] = to_string(signal.action());
                       one["description"] = signal.description();
                       return one;
                     }));
}

std::string specs_document(const std::vector<translated_spec>& specs) {
  return document_of("sigkit.siglist.specs/1", "specs", list_of(specs, [](const auto& one) {
                       return json{{"spec", one.text},
                                   {"kind", kind_word(one.spec.is)},
                                   {"signals", list_of(one.spec.signals, number_and_name)}};
                     }));
}

std::string statuses_document(const std::vector<decoded_status>& statuses) {
  return document_of(
      "sigkit.siglist.statuses/1", "statuses", list_of(statuses, [](const decoded_status& one) {
        return json{{"status", one.text},
                    {"says", one.says},
                    {"kind", kind_word(one.is)},
                    {"exit_code", one.exit_code ? json(*one.exit_code) : json(nullptr)},
                    {"signal", one.signal ? number_and_name(*one.signal) : json(nullptr)},
                    {"core_dumped", one.core_dumped ? json(*one.core_dumped) : json(nullptr)}};
      }));
}

std::string processes_document(const std::vector<listed_process>& processes) {
  return document_of("sigkit.siglist.processes/1", "processes",
                     list_of(processes, [](const listed_process& one) { return json_of(one); }));
}

std::string inherited_document(const std::vector<signal_row>& rows) {
  return document_of("sigkit.siglist.inherited/1", "signals",
                     list_of(rows, [](const signal_row& row) { return json_of(row); }));
}

std::string findings_document(const signal_findings& found) {
  user_names users;
  const json document = {
      {"schema", "sigkit.siglist.found/1"},
      {"processes",
       list_of(found.processes, [&](const found_process& one) { return json_of(one, users); })},
      {"hidden", found.hidden}};
  return json_text_of(document);
}

std::string change_document(const watched_change& change) {
  const json tid = change.thread != 0 ? json(change.thread) : json(nullptr);
  const json signal = change.row != nullptr ? json_of(*change.row) : json(nullptr);
  return json_text_of({{"schema", "sigkit.siglist.change/1"},
                       {"time", to_rfc3339(change.time)},
                       {"pid", change.process.status.id},
                       {"tid", tid},
                       {"name", change.name},
                       {"event", change.event},
                       {"signal", signal}},
                      -1);
}

} // namespace sigkit::apps
