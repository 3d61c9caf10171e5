#include "common/signal_text.hpp"

#include <strings.h>

namespace sigkit::apps {

namespace {

std::optional<signal_id> from_number_or_status(std::string_view text) {
  if (text.empty() || text.size() > 3 ||
      text.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  int number = 0;
  for (const char digit : text)
    number = number * 10 + (digit - '0');
  if (number >= 256)
    number -= 256;
  else if (number >= 128)
    number -= 128;
  return signal_id::from_number(number);
}

std::optional<signal_set> from_mask(std::string_view text) {
  if (!text.starts_with("0x") && !text.starts_with("0X")) return std::nullopt;
  text.remove_prefix(2);
  if (text.empty() || text.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos)
    return std::nullopt;
  while (text.size() > 1 && text.front() == '0')
    text.remove_prefix(1);
  if (text.size() > 16) return std::nullopt;
  return signal_set::from_mask(std::stoull(std::string(text), nullptr, 16));
}

} // namespace

std::optional<signal_spec> read_spec(std::string_view text) {
  using kind = signal_spec::kind;
  if (const auto mask = from_mask(text))
    return signal_spec{kind::mask, {mask->begin(), mask->end()}};
  if (const auto signal = from_number_or_status(text)) return signal_spec{kind::number, {*signal}};
  const bool is_exit = ::strcasecmp(std::string(text).c_str(), "EXIT") == 0;
  const auto signal = is_exit ? signull : parse_signal(text);
  if (!signal) return std::nullopt;
  return signal_spec{kind::name, {*signal}};
}

std::string translated(const signal_spec& spec) {
  std::string lines;
  for (const signal_id signal : spec.signals)
    lines +=
        (spec.is == signal_spec::kind::name ? std::to_string(signal.number()) : name_of(signal)) +
        "\n";
  return lines;
}

std::string long_name_of(signal_id signal) {
  return (signal.is_reserved() ? "signal " : "SIG") + signal.name();
}

std::string names_of(signal_set set) {
  std::string text;
  for (const signal_id signal : set)
    text += " " + signal.name();
  return text;
}

std::string set_text(signal_set set) {
  const signal_set all = signal_set::changeable();
  const signal_set others = all - set;
  if (others.empty()) return " all";
  return others.size() < all.size() / 2 ? " all but" + names_of(others) : names_of(set & all);
}

std::string name_of(signal_id signal) {
  return signal.number() == 0 ? "EXIT" : signal.name();
}

std::vector<signal_id> exit_and_all_signals() {
  std::vector<signal_id> result{signull};
  for (const signal_id signal : signal_set::all())
    result.push_back(signal);
  return result;
}

} // namespace sigkit::apps
