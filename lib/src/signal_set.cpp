#include <sigkit/signal_set.hpp>

#include <cstring>

#include "text.hpp"

namespace sigkit {

// sigaddset(3) refuses 32 and 33, so the bits are moved as they lie: on Linux the first 64 bits
// of a sigset_t are the kernel's mask.
static_assert(sizeof(sigset_t) >= sizeof(std::uint64_t));

signal_set signal_set::from_sigset(const sigset_t& set) noexcept {
  std::uint64_t mask = 0;
  std::memcpy(&mask, &set, sizeof mask);
  return from_mask(mask);
}

sigset_t signal_set::to_sigset() const noexcept {
  sigset_t set;
  std::memset(&set, 0, sizeof set);
  std::memcpy(&set, &mask_, sizeof mask_);
  return set;
}

signal_set signal_set::changeable() noexcept {
  signal_set result;
  for (const signal_id signal : all())
    if (signal.is_changeable()) result.insert(signal);
  return result;
}

std::optional<signal_set> parse_signal_set(std::string_view text, std::string* why) {
  const auto refuse = [&](std::string_view word, const char* reason) -> std::optional<signal_set> {
    if (why != nullptr) *why = "'" + std::string(word) + "': " + reason;
    return std::nullopt;
  };
  if (text == "all") return signal_set::changeable();
  signal_set result;
  for (bool more = true; more;) {
    more = text.find(',') != std::string_view::npos;
    const std::string_view word = cut(text, ',');
    const std::optional<signal_id> signal = parse_signal(word);
    if (!signal) return refuse(word, "invalid signal");
    if (signal->number() == 0) return refuse(word, "not a signal that is ever received");
    if (signal->is_reserved()) return refuse(word, "kept by the C library for itself");
    if (!signal->is_changeable()) return refuse(word, "cannot be caught, blocked or ignored");
    result.insert(*signal);
  }
  return result;
}

std::string to_string(signal_set set) {
  std::string result;
  for (const signal_id signal : set) {
    if (!result.empty()) result += ',';
    result += signal.name();
  }
  return result;
}

} // namespace sigkit
