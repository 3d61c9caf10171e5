#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "sigsend/request.hpp"

namespace sigkit::apps {

/// A word of the command line, before anything is looked up.
struct target_word {
  enum class kind : unsigned char { process, group, thread, name, file } is = kind::name;
  std::string_view text;
  pid_t number = 0;        ///< a PID, or a group
  pid_t thread = 0;        ///< a thread's ID
  std::uint64_t inode = 0; ///< 0: not given
};

/// All of them are read before one is looked up: what is no target is found before anything is
/// sent. Throws usage_error. They are views into `wanted`.
std::vector<target_word> read_words(const send_request& wanted);

} // namespace sigkit::apps
