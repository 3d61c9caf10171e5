#include "common/words.hpp"

#include <algorithm>

#include "common/message.hpp"

namespace sigkit::apps {

namespace {

using takes = option_shape::value;

std::string dashed(std::string_view name) {
  return "--" + std::string(name);
}

class reader {
public:
  reader(const std::vector<option_shape>& known, char** words, const grammar& rules)
      : known_(known), next_(words), rules_(rules) {}

  normal_words read() {
    while (!ended_ && *next_ != nullptr) {
      const std::string_view word = *next_;
      if (word == "--") {
        ++next_;
        break;
      }
      if (word.starts_with("--"))
        read_long();
      else if (word.size() > 1 && word.front() == '-')
        read_short();
      else
        read_operand();
    }
    for (; !ended_ && *next_ != nullptr; ++next_)
      result_.operands.push_back(*next_);
    return std::move(result_);
  }

private:
  void read_operand() {
    result_.operands.push_back(*next_++);
    if (!rules_.stop_at_operand) return;
    for (; *next_ != nullptr; ++next_)
      result_.operands.push_back(*next_);
  }

  void read_long() {
    std::string_view word = *next_++;
    word.remove_prefix(2);
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    const option_shape& found = find_long(name);
    if (equals != std::string_view::npos) {
      if (found.takes == takes::none)
        throw usage_error("option '" + dashed(found.long_name) + "' doesn't allow an argument");
      add(found, word.substr(equals + 1));
    } else if (found.takes == takes::required || found.takes == takes::pair) {
      add(found, next_value(found));
    } else {
      add_bare(found);
    }
  }

  std::string_view next_value(const option_shape& shape) {
    if (*next_ == nullptr)
      throw usage_error("option '" + dashed(shape.long_name) + "' requires " +
                        (shape.takes == takes::pair ? "two arguments" : "an argument"));
    return *next_++;
  }

  void read_short() {
    std::string_view word = *next_++;
    const word_meaning meaning =
        rules_.meaning_of ? rules_.meaning_of(word, result_) : word_meaning{};
    if (meaning.is_operand) {
      result_.operands.push_back(*(next_ - 1));
      return;
    }
    if (!meaning.option.empty()) {
      result_.options.push_back(meaning.option);
      return;
    }
    for (word.remove_prefix(1); !word.empty() && !ended_;) {
      const char letter = word.front();
      word.remove_prefix(1);
      const auto found = std::ranges::find(known_, letter, &option_shape::short_name);
      if (found == known_.end())
        throw usage_error("invalid option -- '" + escaped({&letter, 1}) + "'");
      if (found->takes != takes::required) {
        add_bare(*found);
        continue;
      }
      if (word.empty() && *next_ == nullptr)
        throw usage_error("option requires an argument -- '" + std::string(1, letter) + "'");
      add(*found, word.empty() ? std::string_view(*next_++) : word);
      return;
    }
  }

  const option_shape& find_long(std::string_view name) const {
    std::vector<const option_shape*> fitting;
    for (const option_shape& shape : known_) {
      if (shape.long_name.empty()) continue;
      if (shape.long_name == name) return shape;
      if (shape.long_name.starts_with(name)) fitting.push_back(&shape);
    }
    if (fitting.size() == 1) return *fitting.front();
    if (fitting.empty()) throw usage_error("unrecognized option '--" + escaped(name) + "'");
    const auto is_classic = [](const option_shape* shape) { return shape->classic; };
    if (std::ranges::count_if(fitting, is_classic) == 1)
      return **std::ranges::find_if(fitting, is_classic);
    std::string message = "option '--" + escaped(name) + "' is ambiguous; possibilities:";
    for (const option_shape* shape : fitting)
      message += " '" + dashed(shape->long_name) + "'";
    throw usage_error(message);
  }

  void add(const option_shape& shape, std::string_view value) {
    const std::string option = name_of(shape);
    if (value.empty()) throw usage_error("option '" + option + "': the value is empty");
    if (shape.join) {
      const bool is_pair = shape.takes == takes::pair;
      result_.options.push_back(shape.join(value, is_pair ? next_value(shape) : ""));
      return;
    }
    result_.options.push_back(option + (shape.long_name.empty() ? "" : "=") + std::string(value));
  }

  void add_bare(const option_shape& shape) {
    result_.options.push_back(shape.stands_for.empty() ? name_of(shape) : shape.stands_for);
    // What follows is not looked at: asking for help is never an error.
    ended_ = shape.long_name == "help" || shape.long_name == "version";
    if (ended_) result_.options = {dashed(shape.long_name)};
  }

  const std::vector<option_shape>& known_;
  char** next_;
  const grammar& rules_;
  normal_words result_;
  bool ended_ = false;
};

} // namespace

std::string name_of(const option_shape& shape) {
  return shape.long_name.empty() ? std::string("-") + shape.short_name : dashed(shape.long_name);
}

normal_words normalise(const std::vector<option_shape>& known, char** words, const grammar& rules) {
  return reader(known, words, rules).read();
}

} // namespace sigkit::apps
