#include "siglist/rows.hpp"

#include <fmt/format.h>

#include <sigkit/signal_set.hpp>

namespace sigkit::apps {

namespace {

disposition disposition_of(signal_id signal, const process_status& status) {
  if (status.caught.contains(signal)) return disposition::caught;
  return status.ignored.contains(signal) ? disposition::ignored : disposition::by_default;
}

signal_row row_of(signal_id signal, const process_signals& process) {
  return {signal,
          disposition_of(signal, process.status),
          process.count_blocking(signal),
          process.threads.size(),
          process.status.shared_pending.contains(signal),
          process.count_pending(signal),
          process.awaited().contains(signal),
          reaction_to(signal, process)};
}

signal_row row_of(signal_id signal, const process_signals& process, const thread_signals& thread) {
  return {signal,
          disposition_of(signal, process.status),
          thread.status.blocked.contains(signal) ? std::size_t{1} : 0,
          1,
          process.status.shared_pending.contains(signal),
          thread.status.pending.contains(signal) ? std::size_t{1} : 0,
          thread.awaited.contains(signal),
          reaction_to(signal, process, thread)};
}

template <class Make> std::vector<signal_row> rows_of(bool every, Make make) {
  std::vector<signal_row> rows;
  for (const signal_id signal : signal_set::all())
    if (const signal_row row = make(signal); every || is_unusual(row)) rows.push_back(row);
  return rows;
}

} // namespace

bool is_unusual(const signal_row& row) {
  return row.how != disposition::by_default || row.blocking != 0 || row.pending ||
         row.pending_threads != 0 || row.awaited;
}

std::vector<signal_section> sections_of(const process_signals& process, bool every, bool threads) {
  std::vector<signal_section> sections;
  sections.push_back({0, process.facts.name, state_of(process),
                      rows_of(every, [&](signal_id signal) { return row_of(signal, process); })});
  if (!threads) return sections;
  for (const thread_signals& thread : process.threads)
    sections.push_back(
        {thread.status.id, thread.status.name, thread.status.state,
         rows_of(every, [&](signal_id signal) { return row_of(signal, process, thread); })});
  return sections;
}

char state_of(const process_signals& process) {
  return process.threads.empty() ? process.facts.state : process.threads.front().status.state;
}

const char* word_of(disposition how) {
  switch (how) {
  case disposition::by_default: return "default";
  case disposition::ignored: return "ignored";
  case disposition::caught: return "caught";
  }
  return "";
}

std::string blocked_word(const signal_row& row) {
  if (row.blocking == 0) return {};
  if (row.blocking == row.threads) return "blocked";
  return std::to_string(row.blocking) + "/" + std::to_string(row.threads);
}

std::string pending_word(const signal_row& row) {
  std::string text = row.pending ? "process" : "";
  if (row.pending_threads != 0) text += text.empty() ? "thread" : ",thread";
  return text;
}

std::string dash_for_none(const std::string& word) {
  return word.empty() ? "-" : word;
}

std::string plain_columns(const signal_row& row) {
  return fmt::format("{}\t{}\t{}\t{}\t{}\t{}", row.signal.number(), row.signal.name(),
                     word_of(row.how), dash_for_none(blocked_word(row)),
                     dash_for_none(pending_word(row)), to_string(row.outcome));
}

} // namespace sigkit::apps
