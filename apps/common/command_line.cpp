#include "common/command_line.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "common/cli11.hpp"

#include "common/message.hpp"
#include "common/output.hpp"
#include "common/words.hpp"

namespace sigkit::apps {

/// Options are declared first, and what CLI11 has to know is told it when the words are there: to
/// register all that is not used takes longer than all the rest.
class command_line::parser {
public:
  /// How an option is registered.
  enum class kind : unsigned char { flag, last, each };
  struct declared {
    const char* names;
    const char* value_name;
    const char* help;
    const char* group;
    kind is;
    std::function<void(std::string_view)> take;
  };

  const char* usage = "";
  const char* description = "";
  const char* footer = "";
  const char* group = "";
  bool classic = false;
  std::vector<declared> options;
  std::vector<option_shape> shapes; ///< of the same index

  option_shape& add(declared option, option_shape::value takes) {
    option_shape shape;
    for (std::string_view rest = option.names; !rest.empty();) {
      const std::size_t comma = rest.find(',');
      const std::string_view name = rest.substr(0, comma);
      if (name.starts_with("--"))
        shape.long_name = name.substr(2);
      else
        shape.short_name = name.back();
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
    shape.takes = takes;
    shape.classic = classic;
    option.group = group;
    options.push_back(std::move(option));
    shapes.push_back(std::move(shape));
    return shapes.back();
  }

  static void tell(CLI::App& app, const declared& option) {
    const auto& take = option.take;
    const auto take_each = [take](const std::vector<std::string>& values) {
      for (const std::string& value : values)
        take(value);
    };
    CLI::Option* added = nullptr;
    switch (option.is) {
    case kind::flag:
      added = app.add_flag_function(
          option.names,
          [take](std::int64_t times) {
            while (times-- > 0)
              take("");
          },
          option.help);
      break;
    case kind::last:
      added = app.add_option_function<std::string>(option.names, take, option.help);
      added->type_name(option.value_name)->take_last();
      break;
    case kind::each:
      added =
          app.add_option_function<std::vector<std::string>>(option.names, take_each, option.help);
      added->type_name(option.value_name)->take_all()->expected(1)->allow_extra_args(false);
      break;
    }
    added->group(option.group);
  }

  void tell_used(CLI::App& app, const std::vector<std::string>& words) const {
    for (std::size_t i = 0; i < options.size(); ++i) {
      const std::string name = name_of(shapes[i]);
      const auto is_it = [&](const std::string& word) {
        return word.starts_with(name) && (shapes[i].long_name.empty() ||
                                          word.size() == name.size() || word[name.size()] == '=');
      };
      if (std::ranges::any_of(words, is_it)) tell(app, options[i]);
    }
  }

  [[nodiscard]] std::string help_text() const;
};

command_line::command_line(const char* usage, const char* description, const char* footer)
    : parser_(std::make_unique<parser>()) {
  parser_->usage = usage;
  parser_->description = description;
  parser_->footer = footer;
  constexpr std::size_t enough = 64;
  parser_->options.reserve(enough);
  parser_->shapes.reserve(enough);
}

command_line::~command_line() = default;

void command_line::group(const char* title, bool classic) {
  parser_->group = title;
  parser_->classic = classic;
}

void command_line::flag(const char* names, bool& target, const char* help) {
  call(
      names, [&target] { target = true; }, help);
}

void command_line::call(const char* names, std::function<void()> act, const char* help) {
  parser_->add({names, "", help, "", parser::kind::flag,
                [act = std::move(act)](std::string_view /*none*/) { act(); }},
               option_shape::value::none);
}

void command_line::alias(const char* name, const char* stands_for, const char* help) {
  parser_->add({name, "", help, "", parser::kind::flag, {}}, option_shape::value::none).stands_for =
      stands_for;
}

void command_line::option(const char* names, const char* value_name,
                          std::function<void(std::string_view)> take, const char* help) {
  parser_->add({names, value_name, help, "", parser::kind::last, std::move(take)},
               option_shape::value::required);
}

void command_line::pair(const char* name, const char* value_names,
                        std::function<std::string(std::string_view, std::string_view)> join,
                        const char* help) {
  parser_->add({name, value_names, help, "", parser::kind::last, {}}, option_shape::value::pair)
      .join = std::move(join);
}

void command_line::rewritten(const char* names, const char* value_name,
                             std::function<std::string(std::string_view)> rewrite,
                             const char* help) {
  parser_->add({names, value_name, help, "", parser::kind::last, {}}, option_shape::value::required)
      .join = [rewrite = std::move(rewrite)](std::string_view value, std::string_view /*none*/) {
    return rewrite(value);
  };
}

void command_line::repeated(const char* names, const char* value_name,
                            std::function<void(std::string_view)> take, const char* help) {
  parser_->add({names, value_name, help, "", parser::kind::each, std::move(take)},
               option_shape::value::required);
}

void command_line::optional(const char* names, const char* value_name, const char* bare,
                            std::function<void(std::string_view)> take, const char* help) {
  option_shape& shape =
      parser_->add({names, value_name, help, "", parser::kind::each, std::move(take)},
                   option_shape::value::optional);
  shape.stands_for = name_of(shape) + "=" + bare;
}

std::string command_line::parser::help_text() const {
  CLI::App app(description);
  app.footer(footer);
  app.get_formatter()->column_width(28);
  app.set_help_flag();
  for (std::size_t i = 0; i < options.size(); ++i) {
    declared option = options[i];
    const std::string optional_value = std::string("[=") + option.value_name + "]";
    if (shapes[i].takes == option_shape::value::optional)
      option.value_name = optional_value.c_str();
    tell(app, option);
  }
  std::string text = app.help("", CLI::AppFormatMode::Normal);
  // CLI11 knows nothing of the operands, which were cut off before it.
  const std::size_t start = text.find("Usage:");
  const std::size_t end = text.find('\n', start);
  text.replace(start, end - start, "Usage: " + std::string(program_name()) + " " + usage);
  for (std::size_t gap = text.find(" [="); gap != std::string::npos; gap = text.find(" [=")) {
    text.insert(text.find(']', gap) + 1, 1, ' '); // so that what follows keeps its column
    text.erase(gap, 1);
  }
  for (std::size_t gap = text.find("\n\n\n"); gap != std::string::npos; gap = text.find("\n\n\n"))
    text.erase(gap, 1);
  return text;
}

std::optional<std::vector<char*>> command_line::parse(int argc, char** argv, const grammar& rules) {
  bool wants_help = false;
  bool wants_version = false;
  group("Help", true);
  flag("--help", wants_help, "print this and exit");
  flag("--version", wants_version, "print the version and exit");
  normal_words words = normalise(parser_->shapes, argc > 0 ? argv + 1 : argv, rules);
  CLI::App app;
  app.set_help_flag();
  parser_->tell_used(app, words.options);
  std::ranges::reverse(words.options); // CLI11 takes them from the back
  try {
    app.parse(std::move(words.options));
  } catch (const CLI::ParseError& failure) {
    throw usage_error(failure.what());
  }
  if (wants_help) print(parser_->help_text());
  if (wants_version) print(std::string(program_name()) + " (sigkit) " SIGKIT_VERSION "\n");
  if (wants_help || wants_version) return std::nullopt;
  return std::move(words.operands);
}

} // namespace sigkit::apps
