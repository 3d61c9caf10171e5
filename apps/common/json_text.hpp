#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace sigkit::apps {

/// The text of a document, with a line end; in one line where `indent` is -1. What processes are
/// called need not be UTF-8: what is not becomes U+FFFD.
inline std::string json_text_of(const nlohmann::ordered_json& document, int indent = 2) {
  using json = nlohmann::ordered_json;
  return document.dump(indent, ' ', false, json::error_handler_t::replace) + "\n";
}

} // namespace sigkit::apps
