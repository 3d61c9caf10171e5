#include "common/output.hpp"

#include <unistd.h>

#include <cerrno>

#include <sigkit/error.hpp>

namespace sigkit::apps {

void print(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
    if (count >= 0)
      text.remove_prefix(static_cast<std::size_t>(count));
    else if (errno != EINTR)
      throw error(errno, "write error on stdout");
  }
}

} // namespace sigkit::apps
