#include "sigsend/listing.hpp"

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

#include <sigkit/process.hpp>

#include "common/exit_codes.hpp"
#include "common/message.hpp"
#include "common/output.hpp"
#include "common/signal_text.hpp"
#include "common/table.hpp"

namespace sigkit::apps {

namespace {

using action = send_request::action;

std::string described_row(signal_id signal) {
  const bool is_exit = signal.number() == 0;
  const std::string_view description = is_exit ? "no signal: only checks" : signal.description();
  return fmt::format("{:>2} {:<8} {}\n", signal.number(), name_of(signal), description);
}

std::string row(signal_id signal) {
  return fmt::format("{:>2} {}\n", signal.number(), name_of(signal));
}

/// As many beside each other as a terminal has room for; one a line elsewhere.
std::string rows_of_all() {
  constexpr std::size_t cell = 12;
  const std::size_t columns = terminal_width(STDOUT_FILENO) / cell;
  std::string text;
  std::size_t column = 0;
  for (const signal_id signal : exit_and_all_signals()) {
    if (signal.number() == 0) continue;
    const bool is_last =
        columns < 2 || ++column % columns == 0 || signal.number() == signal_id::highest;
    std::string one = row(signal);
    one.pop_back();
    if (!is_last) one.resize(cell, ' ');
    text += one + (is_last ? "\n" : "");
  }
  return text;
}

std::string all_of(action what) {
  if (what == action::table) return rows_of_all();
  std::string text;
  for (const signal_id signal : exit_and_all_signals())
    text += what == action::list ? name_of(signal) + "\n" : described_row(signal);
  return text;
}

std::string text_of(action what, const signal_spec& spec) {
  if (what == action::list) return translated(spec);
  std::string text;
  for (const signal_id signal : spec.signals)
    text += what == action::table ? row(signal) : described_row(signal);
  return text;
}

/// The words that util-linux kill has for it.
std::string state_text(const process_status& status) {
  std::string text;
  const auto add = [&](const char* title, signal_set set) {
    if (set.empty()) return;
    text += title;
    for (const signal_id signal : set)
      text += " " + signal.name();
    text += "\n";
  };
  add("Pending (thread):", status.pending);
  add("Pending (process):", status.shared_pending);
  add("Blocked:", status.blocked);
  add("Ignored:", status.ignored);
  add("Caught:", status.caught);
  return text;
}

int show_state(std::string_view word) {
  pid_t pid = 0;
  const char* const end = word.data() + word.size();
  const auto [rest, failed] = std::from_chars(word.data(), end, pid);
  if (failed != std::errc{} || rest != end || pid <= 0)
    throw usage_error(in_quotes(word) + ": invalid process id");
  if (!proc_is_usable()) throw error(ENOENT, "/proc of this PID namespace");
  const auto status = read_status(pid);
  if (!status) {
    complain(in_quotes(word) + ": " + std::strerror(ESRCH));
    return failure;
  }
  print(state_text(*status));
  return success;
}

} // namespace

int run_listing(const send_request& wanted) {
  if (wanted.what == action::show_state) {
    if (wanted.words.size() != 1) throw usage_error("-d takes one process id");
    return show_state(wanted.words.front());
  }
  if (wanted.words.empty()) {
    print(all_of(wanted.what));
    return success;
  }
  std::string text;
  int status = success;
  for (const std::string& word : wanted.words) {
    if (const auto spec = read_spec(word)) {
      text += text_of(wanted.what, *spec);
    } else {
      complain(in_quotes(word) + ": invalid signal");
      status = failure;
    }
  }
  print(text);
  return status;
}

} // namespace sigkit::apps
