#include "siglist/signals.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <utility>

#include <fmt/format.h>

#include <sigkit/exit_status.hpp>

#include "common/exit_codes.hpp"
#include "common/message.hpp"
#include "common/options.hpp"
#include "common/output.hpp"
#include "common/signal_text.hpp"
#include "siglist/documents.hpp"

namespace sigkit::apps {

namespace {

using format = list_request::format;

emphasis emphasis_of(signal_id signal) {
  return signal.is_changeable() ? emphasis::none : emphasis::faint;
}

std::string table_of(const std::vector<signal_id>& signals, const list_request& wanted) {
  table rows({{"", true}, {"NAME"}, {"DEFAULT"}, {"WHAT IT IS FOR"}});
  for (const signal_id signal : signals)
    rows.add({std::to_string(signal.number()), signal.name(), to_string(signal.action()),
              std::string(signal.description())},
             emphasis_of(signal));
  return rows.text(terminal_width(STDOUT_FILENO), uses_colors(wanted.colors, STDOUT_FILENO));
}

std::string plain_table_of(const std::vector<signal_id>& signals) {
  std::string text;
  for (const signal_id signal : signals)
    text += fmt::format("{}\t{}\t{}\t{}\n", signal.number(), signal.name(),
                        to_string(signal.action()), signal.description());
  return text;
}

void print_table(const std::vector<signal_id>& signals, const list_request& wanted) {
  switch (wanted.form) {
  case format::text: print(table_of(signals, wanted)); break;
  case format::plain: print(plain_table_of(signals)); break;
  case format::json: print(signals_document(signals)); break;
  }
}

std::vector<signal_id> as_list(signal_set set) {
  std::vector<signal_id> list;
  for (const signal_id signal : set)
    list.push_back(signal);
  return list;
}

/// Why it is no SPEC.
std::string why_unknown(const std::string& word) {
  const bool is_mask = word.starts_with("0x") || word.starts_with("0X");
  return is_mask ? ": invalid mask (hexadecimal, at most 64 bits)" : ": unknown signal";
}

/// Those that are known; the others are named on stderr.
std::vector<translated_spec> read_specs(const std::vector<std::string>& words) {
  std::vector<translated_spec> specs;
  for (const std::string& word : words) {
    if (auto spec = read_spec(word))
      specs.push_back({word, std::move(*spec)});
    else
      complain(in_quotes(word) + why_unknown(word));
  }
  return specs;
}

} // namespace

int list_signals(const list_request& wanted) {
  if (wanted.words.empty()) {
    print_table(as_list(signal_set::all()), wanted);
    return success;
  }
  const std::vector<translated_spec> specs = read_specs(wanted.words);
  std::string text;
  for (const translated_spec& one : specs)
    text += translated(one.spec);
  print(wanted.form == format::json ? specs_document(specs) : text);
  return specs.size() == wanted.words.size() ? success : failure;
}

int describe_signals(const list_request& wanted) {
  const std::vector<translated_spec> specs = read_specs(wanted.words);
  std::vector<signal_id> signals;
  bool are_described = specs.size() == wanted.words.size();
  for (const translated_spec& one : specs)
    for (const signal_id signal : one.spec.signals) {
      if (signal != signull) {
        signals.push_back(signal);
        continue;
      }
      complain(in_quotes(one.text) + ": no signal");
      are_described = false;
    }
  if (!signals.empty() || wanted.form == format::json) print_table(signals, wanted);
  return are_described ? success : failure;
}

namespace {

/// What programs that run others return when they do not return what that one did.
std::string meaning_of(int shell_status) {
  switch (shell_status) {
  case 124: return "124: timed out, as timeout(1) has it";
  case 125: return "125: timeout(1), env(1) or another that runs commands failed itself";
  case 126: return "126: the command was found, but cannot be executed";
  case 127: return "127: the command was not found";
  default: return to_string(exit_status::from_shell_status(shell_status));
  }
}

decoded_status decoded(const std::string& word, std::string says, exit_status ended,
                       std::optional<bool> core_dumped) {
  using kind = decoded_status::kind;
  return {word,
          std::move(says),
          ended.signal() ? kind::killed : kind::exited,
          ended.exit_code(),
          ended.signal(),
          core_dumped};
}

decoded_status decode_shell_status(const std::string& word, int status) {
  return decoded(word, meaning_of(status), exit_status::from_shell_status(status), {});
}

/// Nothing where waitpid(2) stores no such number.
std::optional<decoded_status> decode_wait_status(const std::string& word, unsigned status) {
  constexpr unsigned most = 0xffffff; // with an event of ptrace(2) above
  if (status > most) return std::nullopt;
  const int stored = static_cast<int>(status & 0xffff);
  if (status == 0xffff)
    return decoded_status{word, "continued", decoded_status::kind::continued, {}, {}, {}};
  if (WIFSTOPPED(stored)) {
    const auto signal = signal_id::from_number(WSTOPSIG(stored) & 0x7f); // 0x80: a system call
    if (!signal || *signal == signull) return std::nullopt;
    return decoded_status{
        word, "stopped by " + long_name_of(*signal), decoded_status::kind::stopped, {}, *signal,
        {}};
  }
  const auto ended = exit_status::from_wait_status(stored);
  const bool is_killed = ended && ended->signal();
  const bool is_valid =
      status <= 0xffff && ended &&
      (is_killed ? status <= 0xff && ended->signal()->number() <= signal_id::highest
                 : (status & 0xff) == 0);
  if (!is_valid) return std::nullopt;
  return decoded(word, to_string(*ended), *ended, ended->dumped_core());
}

std::optional<unsigned> to_number(std::string_view digits, int base) {
  unsigned value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [rest, failed] = std::from_chars(digits.data(), end, value, base);
  if (failed != std::errc{} || rest != end) return std::nullopt;
  return value;
}

/// Says on stderr what is wrong with a word that is no status.
std::optional<decoded_status> decode(const std::string& word, bool raw) {
  const bool is_hexadecimal = word.starts_with("0x") || word.starts_with("0X");
  const auto number = is_hexadecimal    ? to_number(std::string_view(word).substr(2), 16)
                      : is_number(word) ? to_number(word, 10)
                                        : std::nullopt;
  if (is_hexadecimal || raw) {
    auto status = number ? decode_wait_status(word, *number) : std::nullopt;
    if (!status) complain(in_quotes(word) + ": no wait status");
    return status;
  }
  if (number && *number <= 255) return decode_shell_status(word, static_cast<int>(*number));
  complain(in_quotes(word) +
           ": no exit status (0 to 255; a raw wait status is 0x... or needs --raw)");
  return std::nullopt;
}

std::string text_of_statuses(const std::vector<decoded_status>& statuses, bool plain) {
  std::string text;
  for (const decoded_status& one : statuses)
    text += (plain ? one.text + "\t" : "") + one.says + "\n";
  return text;
}

} // namespace

int decode_statuses(const list_request& wanted) {
  std::vector<decoded_status> statuses;
  for (const std::string& word : wanted.words)
    if (auto decoded = decode(word, wanted.raw)) statuses.push_back(std::move(*decoded));
  print(wanted.form == format::json ? statuses_document(statuses)
                                    : text_of_statuses(statuses, wanted.form == format::plain));
  return statuses.size() == wanted.words.size() ? success : failure;
}

} // namespace sigkit::apps
