#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sigkit::apps {

/// The words in one form: options as "--name" or "--name=value", and the operands.
struct normal_words {
  std::vector<std::string> options;
  std::vector<char*> operands;
};

/// What a word that starts with one dash is: a cluster of options, an operand, or, where `option`
/// is not empty, something that stands for this option.
struct word_meaning {
  bool is_operand = false;
  std::string option;
};

/// How a program's words are read.
struct grammar {
  /// The first operand ends the options (sigtimeout, sigtrap).
  bool stop_at_operand = false;
  /// Called for words such as -9 or -TERM, with what was read before them.
  std::function<word_meaning(std::string_view word, const normal_words& before)> meaning_of;
};

/// The options of one program, and the reading of its words. CLI11 parses; before it, one pass
/// brings the words from the grammar of getopt_long(3), which CLI11 does not know (abbreviations,
/// clusters, an unknown option is always an error), into one form.
class command_line {
public:
  /// `usage` is what follows the program's name; `footer` ends the help text.
  command_line(const char* usage, const char* description, const char* footer);
  command_line(const command_line&) = delete;
  command_line& operator=(const command_line&) = delete;
  ~command_line();

  /// The options that follow are listed under `title`. Those of a classic group are what the tool
  /// that is replaced has: an ambiguous abbreviation means the one of these that it fits.
  void group(const char* title, bool classic = false);

  void flag(const char* names, bool& target, const char* help);
  /// A flag that does something, each time that it is given.
  void call(const char* names, std::function<void()> act, const char* help);
  /// Stands for another option with its value, as --name=value; the last of both counts.
  void alias(const char* name, const char* stands_for, const char* help);
  /// `take` is called with the value, the last one where it is repeated, and throws usage_error.
  void option(const char* names, const char* value_name, std::function<void(std::string_view)> take,
              const char* help);
  /// As repeated(), and the value may be left out: then it is `bare`.
  void optional(const char* names, const char* value_name, const char* bare,
                std::function<void(std::string_view)> take, const char* help);
  /// Takes two values, for which it stands as what `join` makes of them: --name=value.
  void pair(const char* name, const char* value_names,
            std::function<std::string(std::string_view, std::string_view)> join, const char* help);
  /// Takes a value, for which it stands as what `rewrite` makes of it: --name=value.
  void rewritten(const char* names, const char* value_name,
                 std::function<std::string(std::string_view)> rewrite, const char* help);
  /// The same as option(), called for each, in order.
  void repeated(const char* names, const char* value_name,
                std::function<void(std::string_view)> take, const char* help);

  /// Reads the words and returns the operands, or nothing where --help or --version was printed.
  /// Throws usage_error.
  std::optional<std::vector<char*>> parse(int argc, char** argv, const grammar& rules);

private:
  class parser;
  std::unique_ptr<parser> parser_;
};

} // namespace sigkit::apps
