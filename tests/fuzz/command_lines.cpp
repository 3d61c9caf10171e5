// Whole command lines, up to where something would be done.
#include "fuzz/targets.hpp"

#include <string>
#include <vector>

#include "common/message.hpp"
#include "siglist/request.hpp"
#include "sigsend/request.hpp"
#include "sigsend/target_word.hpp"
#include "sigtimeout/request.hpp"
#include "sigtrap/request.hpp"

namespace fuzz {

namespace {

/// The lines, as a program gets them.
class words {
public:
  words(const char* program, std::string_view text) : words_{program} {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      // As execve(2) hands it on.
      words_.push_back(std::string(text.substr(0, end)).c_str());
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    for (std::string& word : words_)
      pointers_.push_back(word.data());
    pointers_.push_back(nullptr);
  }
  [[nodiscard]] int count() const { return static_cast<int>(words_.size()); }
  [[nodiscard]] char** pointers() { return pointers_.data(); }

private:
  std::vector<std::string> words_;
  std::vector<char*> pointers_;
};

/// regcomp(3) of the C library takes memory and time without bound for repeated repetitions, which
/// are the user's own.
bool has_repetition(std::string_view text) {
  return text.find_first_of("{*+?") != std::string_view::npos;
}

template <class Parse> void parse(const char* program, std::string_view text, Parse parse_words) {
  words typed(program, text);
  try {
    parse_words(typed.count(), typed.pointers());
  } catch (const sigkit::apps::usage_error& wrong) {
    if (*wrong.what() == '\0') __builtin_trap();
  }
}

} // namespace

void sigsend(std::string_view text) {
  if (has_repetition(text)) return;
  parse("sigsend", text, [](int count, char** pointers) {
    sigkit::apps::send_request wanted;
    if (sigkit::apps::parse_send_request(count, pointers, wanted)) sigkit::apps::read_words(wanted);
  });
}

void target(std::string_view text) {
  for (const bool threads : {false, true}) {
    sigkit::apps::send_request wanted;
    wanted.threads = threads;
    wanted.words = {std::string(text)};
    try {
      const auto read = sigkit::apps::read_words(wanted);
      if (read.size() != 1 || read[0].number < -1) __builtin_trap();
    } catch (const sigkit::apps::usage_error&) {
      continue;
    }
  }
}

void sigtrap(std::string_view text) {
  parse("sigtrap", text, [](int count, char** pointers) {
    sigkit::apps::trap_request wanted;
    sigkit::apps::parse_trap_request(count, pointers, wanted);
  });
}

void sigtimeout(std::string_view text) {
  parse("sigtimeout", text, [](int count, char** pointers) {
    sigkit::apps::request wanted;
    sigkit::apps::parse_request(count, pointers, wanted);
  });
}

void siglist(std::string_view text) {
  if (has_repetition(text)) return;
  parse("siglist", text,
        [](int count, char** pointers) { sigkit::apps::parse_list_request(count, pointers); });
}

} // namespace fuzz
