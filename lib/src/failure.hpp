#pragma once

#include <cerrno>
#include <exception>
#include <new>
#include <string>
#include <type_traits>

#include <sigkit/error.hpp>

namespace sigkit {

/// Throws sigkit::error.
[[noreturn]] inline void fail(int error_number, const std::string& operation) {
  throw error(error_number, operation);
}

/// The border of the library: what `body` throws is put into `why`, and an empty result returned.
template <class Body> auto at_border(detail::failure& why, Body body) noexcept -> decltype(body()) {
  try {
    return body();
  } catch (const std::system_error& failed) {
    // what() ends with the system's text, which the program adds again.
    const std::string text = failed.what();
    const std::string reason = ": " + failed.code().message();
    why = {failed.code().value(),
           text.ends_with(reason) ? text.substr(0, text.size() - reason.size()) : text};
  } catch (const std::bad_alloc&) {
    why = {ENOMEM, "operator new"};
  } catch (const std::exception& failed) {
    why = {ENOTRECOVERABLE, failed.what()};
  }
  if constexpr (!std::is_void_v<decltype(body())>) return {};
}

} // namespace sigkit
