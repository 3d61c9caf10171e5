#include "siglist/processes.hpp"

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>

#include <fmt/format.h>

#include <sigkit/disposition.hpp>
#include <sigkit/mask.hpp>

#include "common/exit_codes.hpp"
#include "common/message.hpp"
#include "common/output.hpp"
#include "common/text.hpp"
#include "siglist/documents.hpp"

namespace sigkit::apps {

namespace {

using format = list_request::format;

/// 0 where it is none that a process can have.
pid_t to_pid(const std::string& digits) {
  pid_t pid = 0;
  const char* const end = digits.data() + digits.size();
  const auto [rest, failed] = std::from_chars(digits.data(), end, pid);
  return failed == std::errc{} && rest == end ? pid : 0;
}

/// Why there is nothing to read of a process.
std::string why_not(pid_t pid) {
  const bool is_there = pid > 0 && (::kill(pid, 0) == 0 || errno == EPERM);
  return is_there ? "its signals may not be read" : std::strerror(ESRCH);
}

listed_process listed(process_signals signals, const list_request& wanted) {
  std::vector<signal_section> sections = sections_of(signals, wanted.every, wanted.threads);
  return {std::move(signals), std::move(sections)};
}

} // namespace

process_listing read_processes(const list_request& wanted) {
  if (!proc_is_usable())
    throw error(ENOENT, "reading processes: /proc does not show this PID namespace");
  process_listing listing;
  for (const std::string& word : wanted.words) {
    const pid_t pid = to_pid(word);
    if (auto signals = pid > 0 ? read_signals(pid) : std::nullopt) {
      if (!signals->is_complete)
        complain(word + ": whether it takes signals by sigwait(3) or signalfd(2) may not be read");
      listing.processes.push_back(listed(std::move(*signals), wanted));
      continue;
    }
    complain(in_quotes(word) + ": " + why_not(pid));
    listing.is_complete = false;
  }
  return listing;
}

std::optional<listed_process> read_again(const listed_process& known, const list_request& wanted) {
  const process_facts& before = known.signals.facts;
  auto signals = read_signals(before.pid);
  if (!signals || signals->facts.start_time != before.start_time) return std::nullopt;
  return listed(std::move(*signals), wanted);
}

namespace {

std::string count_text(std::size_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

/// Looked up once, however often a watch shows it.
std::string known_user_name(uid_t user) {
  static user_names known;
  return escaped(known.of(user));
}

/// "4711 nginx, of www-data, sleeping, 5 threads; 0 of 31021 signals queued".
std::string heading_of(const process_signals& process) {
  const process_status& status = process.status;
  std::string text = fmt::format("{} {}, of {}, ", status.id, escaped(process.facts.name),
                                 known_user_name(status.effective_uid));
  if (process.threads.empty())
    return text +
           fmt::format("has ended; its parent, {}, has not waited for it", process.facts.parent);
  text += process.facts.kernel ? "a kernel thread" : state_word(state_of(process));
  if (process.threads.size() > 1) text += ", " + count_text(process.threads.size(), "thread");
  if (status.tracer != 0) text += fmt::format(", traced by {}", status.tracer);
  return text + fmt::format("; {} of {} signals queued", status.queued, status.queue_limit);
}

std::string heading_of(const signal_section& section) {
  return fmt::format("thread {} {}, {}", section.thread, escaped(section.name),
                     state_word(section.state));
}

emphasis emphasis_of(const signal_row& row) {
  if (row.pending || row.pending_threads != 0) return emphasis::warning;
  return row.outcome.what == reaction::effect::none ? emphasis::faint : emphasis::none;
}

std::string table_of(const std::vector<signal_row>& rows, std::size_t limit, bool colored) {
  if (rows.empty()) return "Each signal is at its default, unblocked and not pending.\n";
  table lines({{"", true}, {"NAME"}, {"DISPOSITION"}, {"BLOCKED"}, {"PENDING"}, {"SENT NOW"}});
  for (const signal_row& row : rows)
    lines.add({std::to_string(row.signal.number()), row.signal.name(), word_of(row.how),
               blocked_word(row), pending_word(row), to_string(row.outcome)},
              emphasis_of(row));
  return lines.text(limit, colored);
}

} // namespace

std::string text_of(const std::vector<listed_process>& processes, std::size_t limit, bool colored) {
  std::string text;
  for (const listed_process& process : processes) {
    for (const signal_section& section : process.sections) {
      if (!text.empty()) text += "\n";
      const std::string heading =
          section.thread == 0 ? heading_of(process.signals) : heading_of(section);
      text += (limit == 0 ? heading : cut_to(heading, limit)) + "\n";
      const bool has_ended = process.signals.threads.empty() && section.rows.empty();
      if (!has_ended) text += table_of(section.rows, limit, colored);
    }
  }
  return text;
}

std::string plain_row(const process_signals& process, pid_t thread, const std::string& name,
                      const signal_row* row, const char* outcome) {
  std::string text = fmt::format(
      "{}\t{}\t{}\t{}\t{}\t", process.status.id, thread == 0 ? "-" : std::to_string(thread),
      dash_for_none(escaped(name)), process.status.queued, process.status.queue_limit);
  return text + (row == nullptr ? std::string("-\t-\t-\t-\t-\t") + outcome : plain_columns(*row));
}

namespace {

/// One that has nothing unusual has a row too, which says so.
std::string plain_text(const std::vector<listed_process>& processes) {
  std::string text;
  for (const listed_process& process : processes)
    for (const signal_section& section : process.sections) {
      if (section.rows.empty())
        text += plain_row(process.signals, section.thread, section.name, nullptr) + "\n";
      for (const signal_row& row : section.rows)
        text += plain_row(process.signals, section.thread, section.name, &row) + "\n";
    }
  return text;
}

} // namespace

int show_processes(const list_request& wanted) {
  const process_listing listing = read_processes(wanted);
  const auto& processes = listing.processes;
  switch (wanted.form) {
  case format::text:
    print(text_of(processes, terminal_width(STDOUT_FILENO),
                  uses_colors(wanted.colors, STDOUT_FILENO)));
    break;
  case format::plain: print(plain_text(processes)); break;
  case format::json: print(processes_document(processes)); break;
  }
  return listing.is_complete ? success : failure;
}

namespace {

/// What /proc/self/status says, and where there is none what system calls do: all but 32 and 33.
process_signals own_signals() {
  process_signals own;
  if (auto signals = proc_is_usable() ? read_signals(::getpid()) : std::nullopt) return *signals;
  own.threads.resize(1);
  for (const signal_id signal : signal_set::changeable())
    if (get_disposition(signal) == disposition::ignored) own.status.ignored.insert(signal);
  own.threads.front().status.blocked = pthread_sigmask(mask_change::block, {});
  own.status.shared_pending = sigpending();
  return own;
}

} // namespace

int show_inherited(const list_request& wanted) {
  const process_signals own = own_signals();
  const signal_section section = sections_of(own, wanted.every, false).front();
  switch (wanted.form) {
  case format::text:
    print(table_of(section.rows, terminal_width(STDOUT_FILENO),
                   uses_colors(wanted.colors, STDOUT_FILENO)));
    break;
  case format::plain: {
    std::string text;
    for (const signal_row& row : section.rows)
      text += plain_columns(row) + "\n";
    print(text);
    break;
  }
  case format::json: print(inherited_document(section.rows)); break;
  }
  return success;
}

} // namespace sigkit::apps
