#include "sigsend/description.hpp"

#include <sigkit/process.hpp>

#include "common/message.hpp"
#include "common/text.hpp"

namespace sigkit::apps {

process_description describe(pid_t id, std::uint64_t start_time) {
  process_description result;
  const auto facts = proc_is_usable() ? read_process(id) : std::nullopt;
  if (!facts || (start_time != 0 && facts->start_time != start_time)) return result;
  result.name = facts->name;
  if (const auto status = read_status(id)) result.user = user_name(status->uid);
  result.age = length_text(age_of(*facts));
  const auto words = read_command_line(id);
  result.command = command_text(words.value_or(std::vector<std::string>{}), facts->name);
  return result;
}

} // namespace sigkit::apps
