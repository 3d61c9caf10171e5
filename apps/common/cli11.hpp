#pragma once

// CLI11 without the streams and locales of the C++ library, which it needs for little: to trim a
// word, and to write the help. To set them up takes a tenth of a start of these programs, and a
// third of the library's size. Inside CLI11's namespace, `std` is therefore one of its own, which
// has all of the real one, and small stand-ins for these. They are those that CLI11 2.1 uses;
// another version is taken as it is.

#include <CLI/Version.hpp>

#if CLI11_VERSION_MAJOR == 2 && CLI11_VERSION_MINOR == 1 && defined(__GNUC__)

#include <algorithm>
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

// libstdc++'s <iostream> is nothing but the declarations of cin, cout and so on, and a static
// object that sets them up in each program. Elsewhere this does nothing.
#define _GLIBCXX_IOSTREAM 1 // NOLINT
#include <istream>
#include <ostream>

namespace CLI::std { // NOLINT(cert-dcl58-cpp): another one

using namespace ::std;

/// The "C" locale, which is the only one that these programs set.
struct locale {};

template <typename Char> bool isspace(Char c, const locale& /*c*/) noexcept {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

inline bool isalpha(char c, const locale& /*c*/) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

inline char tolower(char c, const locale& /*c*/) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

struct width {
  size_t columns;
};

inline width setw(int columns) noexcept {
  return {static_cast<size_t>(columns)};
}

enum class manipulator : unsigned char { left, flush, endl };
inline constexpr manipulator left = manipulator::left;
inline constexpr manipulator flush = manipulator::flush;
inline constexpr manipulator endl = manipulator::endl;

/// Text that is written to, and read line by line.
class stringstream {
public:
  stringstream() = default;
  explicit stringstream(string text) : text_(move(text)) {}

  [[nodiscard]] const string& str() const noexcept { return text_; }
  void str(string text) { text_ = move(text); }
  [[nodiscard]] size_t tellp() const noexcept { return text_.size(); }
  void put(char c) { text_ += c; }

  /// Pads on the right.
  stringstream& operator<<(const string& text) {
    text_ += text;
    if (width_ > text.size()) text_.append(width_ - text.size(), ' ');
    width_ = 0;
    return *this;
  }
  stringstream& operator<<(const char* text) { return *this << string(text); }
  stringstream& operator<<(char c) { return *this << string(1, c); }
  stringstream& operator<<(width next) {
    width_ = next.columns;
    return *this;
  }
  stringstream& operator<<(manipulator what) {
    return what == manipulator::endl ? *this << '\n' : *this;
  }
  template <typename Number, typename = enable_if_t<is_arithmetic_v<Number>>>
  stringstream& operator<<(Number number) {
    return *this << to_string(number);
  }

  bool read_line(string& line, char end) {
    failed_ = at_ >= text_.size();
    if (failed_) return false;
    const size_t found = text_.find(end, at_);
    line = text_.substr(at_, found - at_);
    at_ = min(found, text_.size()) + 1;
    return true;
  }
  [[nodiscard]] bool fail() const noexcept { return failed_; }
  stringstream* rdbuf() noexcept { return this; }
  [[nodiscard]] size_t in_avail() const noexcept { return text_.size() - min(at_, text_.size()); }

private:
  string text_;
  size_t at_ = 0;
  size_t width_ = 0;
  bool failed_ = false;
};

using ostringstream = stringstream;
using istringstream = stringstream;
using ostream = stringstream;
using istream = stringstream;

inline bool getline(stringstream& from, string& line, char end = '\n') {
  return from.read_line(line, end);
}

/// These programs have no configuration files.
struct ifstream : stringstream {
  explicit ifstream(const string& /*path*/) {}
  static bool good() noexcept { return false; }
};

// Named in default arguments that nothing uses.
extern ostream cout;
extern ostream cerr;

} // namespace CLI::std

#endif

#include <CLI/CLI.hpp>
