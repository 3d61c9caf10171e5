#pragma once

#include <regex.h>

#include <array>
#include <cerrno>
#include <list>
#include <string>
#include <vector>

#include "failure.hpp"

namespace sigkit {

/// An extended regular expression, of bytes.
class pattern {
public:
  explicit pattern(const std::string& text)
      : failed_(::regcomp(&compiled_, text.c_str(), REG_EXTENDED)) {}
  pattern(const pattern&) = delete;
  pattern& operator=(const pattern&) = delete;
  ~pattern() {
    if (failed_ == 0) ::regfree(&compiled_);
  }

  /// Empty where it is one.
  [[nodiscard]] std::string why_not() const {
    std::array<char, 256> reason{};
    if (failed_ != 0) ::regerror(failed_, &compiled_, reason.data(), reason.size());
    return reason.data();
  }

  /// The leftmost match is the longest there: the whole text is matched where that is all of it.
  [[nodiscard]] bool matches(const std::string& text, bool exact) const {
    regmatch_t found{};
    if (::regexec(&compiled_, text.c_str(), 1, &found, 0) != 0) return false;
    return !exact || (found.rm_so == 0 && static_cast<std::size_t>(found.rm_eo) == text.size());
  }

private:
  regex_t compiled_{};
  int failed_;
};

/// Throws sigkit::error (EINVAL) where one is none.
inline std::list<pattern> compiled(const std::vector<std::string>& texts) {
  std::list<pattern> patterns;
  for (const std::string& text : texts)
    if (const std::string why = patterns.emplace_back(text).why_not(); !why.empty())
      fail(EINVAL, std::string("regular expression '").append(text).append("': ").append(why));
  return patterns;
}

} // namespace sigkit
