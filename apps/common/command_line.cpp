#include "common/command_line.hpp"

#include <CLI/CLI.hpp>

#include "common/message.hpp"
#include "common/output.hpp"
#include "common/words.hpp"

namespace sigkit::apps {

class command_line::parser {
public:
  CLI::App app;
  std::string usage;
  std::string group;
  bool classic = false;
  std::vector<option_shape> shapes;

  CLI::Option* add(CLI::Option* option, option_shape::value takes) {
    if (!group.empty()) option->group(group);
    option_shape shape;
    if (!option->get_lnames().empty()) shape.long_name = option->get_lnames().front();
    if (!option->get_snames().empty()) shape.short_name = option->get_snames().front().front();
    shape.takes = takes;
    shape.classic = classic;
    shapes.push_back(std::move(shape));
    return option;
  }
};

command_line::command_line(const char* usage, const char* description, const char* footer)
    : parser_(std::make_unique<parser>()) {
  CLI::App& app = parser_->app;
  parser_->usage = usage;
  app.description(description);
  app.footer(footer);
  app.get_formatter()->column_width(28);
  app.set_help_flag();
}

command_line::~command_line() = default;

void command_line::group(const char* title, bool classic) {
  parser_->group = title;
  parser_->classic = classic;
}

void command_line::flag(const char* names, bool& target, const char* help) {
  parser_->add(parser_->app.add_flag(names, target, help), option_shape::value::none);
}

void command_line::call(const char* names, std::function<void()> act, const char* help) {
  const auto act_on_each = [act = std::move(act)](std::int64_t times) {
    while (times-- > 0)
      act();
  };
  parser_->add(parser_->app.add_flag_function(names, act_on_each, help), option_shape::value::none);
}

void command_line::alias(const char* name, const char* stands_for, const char* help) {
  parser_->add(parser_->app.add_flag(name)->description(help), option_shape::value::none);
  parser_->shapes.back().stands_for = stands_for;
}

void command_line::option(const char* names, const char* value_name,
                          std::function<void(std::string_view)> take, const char* help) {
  CLI::Option* added = parser_->app.add_option_function<std::string>(names, std::move(take), help);
  parser_->add(added->type_name(value_name)->take_last(), option_shape::value::required);
}

void command_line::pair(const char* name, const char* value_names,
                        std::function<std::string(std::string_view, std::string_view)> join,
                        const char* help) {
  option(name, value_names, [](std::string_view) {}, help);
  parser_->shapes.back().takes = option_shape::value::pair;
  parser_->shapes.back().join = std::move(join);
}

void command_line::repeated(const char* names, const char* value_name,
                            std::function<void(std::string_view)> take, const char* help) {
  const auto take_each = [take = std::move(take)](const std::vector<std::string>& values) {
    for (const std::string& value : values)
      take(value);
  };
  CLI::Option* added =
      parser_->app.add_option_function<std::vector<std::string>>(names, take_each, help);
  parser_->add(added->type_name(value_name)->take_all()->expected(1)->allow_extra_args(false),
               option_shape::value::required);
}

void command_line::optional(const char* names, const char* value_name, const char* bare,
                            std::function<void(std::string_view)> take, const char* help) {
  repeated(names, (std::string("[=") + value_name + "]").c_str(), std::move(take), help);
  option_shape& shape = parser_->shapes.back();
  shape.takes = option_shape::value::optional;
  shape.stands_for = "--" + shape.long_name + "=" + bare;
}

void command_line::add_help() {
  using takes = option_shape::value;
  group("Help", true);
  parser_->add(parser_->app.set_help_flag("--help", "print this and exit"), takes::none);
  parser_->add(parser_->app.set_version_flag("--version", "", "print the version and exit"),
               takes::none);
}

std::string command_line::help_text() const {
  std::string text = parser_->app.help("", CLI::AppFormatMode::Normal);
  // CLI11 knows nothing of the operands, which were cut off before it.
  const std::size_t start = text.find("Usage:");
  const std::size_t end = text.find('\n', start);
  text.replace(start, end - start, "Usage: " + std::string(program_name()) + " " + parser_->usage);
  for (std::size_t gap = text.find(" [="); gap != std::string::npos; gap = text.find(" [=")) {
    text.insert(text.find(']', gap) + 1, 1, ' '); // so that what follows keeps its column
    text.erase(gap, 1);
  }
  for (std::size_t gap = text.find("\n\n\n"); gap != std::string::npos; gap = text.find("\n\n\n"))
    text.erase(gap, 1);
  return text;
}

std::optional<std::vector<char*>> command_line::parse(int argc, char** argv, const grammar& rules) {
  add_help();
  normal_words words = normalise(parser_->shapes, argc > 0 ? argv + 1 : argv, rules);
  std::ranges::reverse(words.options); // CLI11 takes them from the back
  try {
    parser_->app.parse(std::move(words.options));
  } catch (const CLI::CallForHelp&) {
    print(help_text());
    return std::nullopt;
  } catch (const CLI::CallForVersion&) {
    print(std::string(program_name()) + " (sigkit) " SIGKIT_VERSION "\n");
    return std::nullopt;
  } catch (const CLI::ParseError& failure) {
    throw usage_error(failure.what());
  }
  return std::move(words.operands);
}

} // namespace sigkit::apps
