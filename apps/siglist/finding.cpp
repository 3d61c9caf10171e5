#include "siglist/finding.hpp"

#include <unistd.h>

#include <fmt/format.h>

#include "common/exit_codes.hpp"
#include "common/message.hpp"
#include "common/output.hpp"
#include "common/signal_text.hpp"
#include "siglist/documents.hpp"

namespace sigkit::apps {

namespace {

using format = list_request::format;

/// "pending USR1; blocks USR1; ignores PIPE; catches INT TERM": what is rare comes first.
std::string signals_text(const found_process& one) {
  std::string text;
  const auto add = [&](const char* verb, const std::string& names, const char* where = "") {
    if (!names.empty()) text += (text.empty() ? "" : "; ") + std::string(verb) + names + where;
  };
  add("pending", names_of(one.status.shared_pending));
  add("pending", names_of(one.pending_for_some), " (to a thread)");
  add("blocks", set_text(one.blocked_by_all));
  add("blocks", names_of(one.blocked_by_some - one.blocked_by_all), " (not each thread)");
  add("ignores", set_text(one.status.ignored));
  add("catches", set_text(one.status.caught));
  return text;
}

bool has_pending(const found_process& one) {
  return !(one.status.shared_pending | one.pending_for_some).empty();
}

std::string text_of_findings(const signal_findings& found, const list_request& wanted) {
  user_names users;
  table rows({{"PID", true}, {"USER"}, {"NAME"}, {"SIGNALS"}});
  for (const found_process& one : found.processes)
    rows.add({std::to_string(one.status.id), escaped(users.of(one.status.effective_uid)),
              escaped(one.status.name), signals_text(one)},
             has_pending(one) ? emphasis::warning : emphasis::none);
  if (rows.empty()) return {};
  return rows.text(terminal_width(STDOUT_FILENO), uses_colors(wanted.colors, STDOUT_FILENO));
}

/// The masks as /proc has them.
std::string plain_text(const signal_findings& found) {
  user_names users;
  std::string text;
  for (const found_process& one : found.processes)
    fmt::format_to(std::back_inserter(text),
                   "{}\t{}\t{}\t{}\t{:#018x}\t{:#018x}\t{:#018x}\t{:#018x}\t{:#018x}\t{:#018x}\n",
                   one.status.id, escaped(users.of(one.status.effective_uid)),
                   dash_for_none(escaped(one.status.name)), one.status.threads,
                   one.status.shared_pending.mask(), one.pending_for_some.mask(),
                   one.blocked_by_all.mask(), one.blocked_by_some.mask(), one.status.ignored.mask(),
                   one.status.caught.mask());
  return text;
}

} // namespace

int find_processes(const list_request& wanted) {
  const signal_findings found = find_by_signals(wanted.conditions);
  switch (wanted.form) {
  case format::text: print(text_of_findings(found, wanted)); break;
  case format::plain: print(plain_text(found)); break;
  case format::json: print(findings_document(found)); break;
  }
  if (found.hidden.empty()) return found.processes.empty() ? failure : success;
  complain(fmt::format("{} processes may not be looked at, PID {} first", found.hidden.size(),
                       found.hidden.front()));
  return failure;
}

} // namespace sigkit::apps
