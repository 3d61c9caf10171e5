#pragma once

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sigkit::apps {

/// The name that the program was called by: the last part of argv[0].
std::string_view program_name() noexcept;
void set_program_name(const char* argv0) noexcept;

/// "PROGRAM: TEXT" and a line end on stderr, in one write.
void complain(std::string_view text);

/// `text` on stderr, as it is, in one write.
void say(const std::string& text);

/// "Try 'PROGRAM --help' for more information." on stderr.
void complain_about_help();

/// What the user typed is wrong. what() is the message, without the program's name.
class usage_error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Text that somebody else chose, fit to be shown: control characters are escaped.
std::string escaped(std::string_view text);

/// The same in single quotes.
std::string in_quotes(std::string_view text);

/// "PID 4711 (root, bash)", "the terminal or the kernel", "outside this PID namespace".
std::string sender_text(int code, int pid, unsigned uid);

/// The name of the process that has this PID now; "?" where there is none, or it cannot be read.
std::string process_name(int pid);

/// The user's name, or the number where there is none.
std::string user_name(unsigned uid);

/// The same, where many are asked for: each is looked up once.
class user_names {
public:
  const std::string& of(unsigned uid) {
    const auto [known, is_new] = names_.try_emplace(uid);
    if (is_new) known->second = user_name(uid);
    return known->second;
  }

private:
  std::map<unsigned, std::string> names_;
};

/// The number of a user who is said by name or number; nothing where there is none of that name.
std::optional<unsigned> user_number(const std::string& user);

} // namespace sigkit::apps
