// The library's parsers, and that what they have read says the same when it is written.
#include "fuzz/targets.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

#include <sigkit/duration.hpp>
#include <sigkit/exit_status.hpp>
#include <sigkit/ladder.hpp>
#include <sigkit/process.hpp>
#include <sigkit/signal_id.hpp>
#include <sigkit/signal_set.hpp>
#include <sigkit/wall_time.hpp>

#include "common/message.hpp"
#include "common/signal_text.hpp"
#include "common/text.hpp"

namespace fuzz {

namespace {

/// assert(3), also in what is shipped.
#define HOLDS(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);          \
      std::abort();                                                                                \
    }                                                                                              \
  } while (false)

bool has_control_characters(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7f) return true;
    // U+0080 to U+009F
    if (byte == 0xc2 && i + 1 < text.size()) {
      const auto next = static_cast<unsigned char>(text[i + 1]);
      if (next >= 0x80 && next <= 0x9f) return true;
    }
  }
  return false;
}

} // namespace

void signal(std::string_view text) {
  const auto read = sigkit::parse_signal(text);
  if (read) {
    HOLDS(read->number() >= 0 && read->number() <= sigkit::signal_id::highest);
    HOLDS(sigkit::parse_signal(read->name()) == read);
  }
  if (const auto spec = sigkit::apps::read_spec(text))
    HOLDS(!has_control_characters(sigkit::apps::long_name_of(sigkit::sigterm)) &&
          spec->signals.size() <= sigkit::signal_id::highest);
}

void signal_set(std::string_view text) {
  std::string why;
  const auto set = sigkit::parse_signal_set(text, &why);
  if (!set) return;
  HOLDS((*set - sigkit::signal_set::all()).empty());
  if (!set->empty()) HOLDS(sigkit::parse_signal_set(sigkit::to_string(*set)) == set);
}

void duration(std::string_view text) {
  const auto length = sigkit::parse_duration(text);
  if (!length) return;
  HOLDS(*length >= sigkit::duration::zero());
  if (*length != sigkit::never) HOLDS(sigkit::parse_duration(sigkit::to_string(*length)) == length);
  HOLDS(!sigkit::apps::length_text(*length).empty());
}

void step(std::string_view text) {
  std::string why;
  const auto read = sigkit::parse_step(text, &why);
  HOLDS(read.has_value() || !why.empty());
  if (read) HOLDS(read->after >= sigkit::duration::zero());
}

void wall_time(std::string_view text) {
  // 2026-01-01 00:00:00 UTC
  const auto now = std::chrono::system_clock::from_time_t(1767225600);
  sigkit::parse_wall_time(text, now);
}

void process_stat(std::string_view text) {
  const auto facts = sigkit::parse_process_stat(text);
  if (facts) HOLDS(text.find(facts->name) != std::string_view::npos);
}

void process_status(std::string_view text) {
  const auto status = sigkit::parse_process_status(text);
  if (status) HOLDS((status->blocked - sigkit::signal_set::all()).empty());
}

void wait_status(std::string_view text) {
  std::array<int, 2> numbers{};
  std::memcpy(numbers.data(), text.data(), std::min(text.size(), sizeof numbers));
  for (const auto& status : {sigkit::exit_status::from_wait_status(numbers[0]),
                             sigkit::exit_status::from_child_code(numbers[0], numbers[1])}) {
    if (!status) continue;
    HOLDS(status->exit_code().has_value() != status->signal().has_value());
    HOLDS(!sigkit::to_string(*status).empty());
  }
  const auto status = sigkit::exit_status::from_wait_status(numbers[0]);
  if (status) HOLDS(status->shell_status() >= 0 && status->shell_status() <= 255);
}

void escaping(std::string_view text) {
  HOLDS(!has_control_characters(sigkit::apps::escaped(text)));
  HOLDS(!has_control_characters(sigkit::apps::command_text({std::string(text)}, "name")));
  const std::string shown = sigkit::apps::escaped(text);
  HOLDS(sigkit::apps::width(sigkit::apps::cut_to(shown, 10)) <= 10);
}

} // namespace fuzz
