#include "sigsend/target_word.hpp"

#include <algorithm>
#include <charconv>

#include "common/message.hpp"
#include "common/options.hpp"

namespace sigkit::apps {

namespace {

template <class Integer> Integer to_number(std::string_view digits, std::string_view whole) {
  Integer number = 0;
  const char* const end = digits.data() + digits.size();
  const auto [rest, failed] = std::from_chars(digits.data(), end, number);
  if (failed != std::errc{} || rest != end)
    throw usage_error(in_quotes(whole) + ": invalid process id");
  return number;
}

target_word read_thread(std::string_view text) {
  const std::size_t slash = text.find('/');
  const bool has_process = slash != std::string_view::npos;
  const std::string_view process = text.substr(0, has_process ? slash : 0);
  const std::string_view thread = text.substr(has_process ? slash + 1 : 0);
  if (!is_number(thread) || (has_process && !is_number(process)))
    throw usage_error(in_quotes(text) + ": invalid thread id (TID, or PID/TID)");
  target_word word{target_word::kind::thread, text};
  word.thread = to_number<pid_t>(thread, text);
  if (has_process) word.number = to_number<pid_t>(process, text);
  if (word.thread == 0 || (has_process && word.number == 0))
    throw usage_error(in_quotes(text) + ": invalid thread id (TID, or PID/TID)");
  return word;
}

target_word read_word(std::string_view text) {
  using kind = target_word::kind;
  const std::size_t colon = text.find(':');
  if (text.starts_with('-') && is_number(text.substr(1))) {
    const auto group = to_number<pid_t>(text.substr(1), text);
    if (group == 0)
      throw usage_error(in_quotes(text) + ": invalid process id (0 is the own group)");
    return {kind::group, text, group == 1 ? -1 : group};
  }
  if (is_number(text)) {
    const auto pid = to_number<pid_t>(text, text);
    return {pid == 0 ? kind::group : kind::process, text, pid};
  }
  if (is_number(text.substr(0, colon)) && colon != std::string_view::npos &&
      is_number(text.substr(colon + 1))) {
    target_word word{kind::process, text, to_number<pid_t>(text.substr(0, colon), text)};
    word.inode = to_number<std::uint64_t>(text.substr(colon + 1), text);
    if (word.number == 0 || word.inode == 0)
      throw usage_error(in_quotes(text) + ": invalid process id");
    return word;
  }
  if (text.starts_with('@') && text.size() > 1) return {kind::file, text};
  if (text.empty() || text == "@" || text.starts_with('-'))
    throw usage_error(in_quotes(text) + ": invalid process id");
  return {kind::name, text};
}

} // namespace

std::vector<target_word> read_words(const send_request& wanted) {
  std::vector<target_word> words;
  for (const std::string& text : wanted.words) {
    words.push_back(wanted.threads ? read_thread(text) : read_word(text));
    const bool is_group = words.back().is == target_word::kind::group;
    const auto has_scope = [](const step& one) {
      return one.reach.value_or(scope::process) != scope::process;
    };
    const bool scoped =
        wanted.options.reach != scope::process ||
        std::any_of(wanted.options.steps.begin(), wanted.options.steps.end(), has_scope);
    if (is_group && scoped)
      throw usage_error(in_quotes(text) + ": a process group, and a scope, exclude each other");
  }
  return words;
}

} // namespace sigkit::apps
