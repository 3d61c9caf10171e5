#include "common/shell.hpp"

#include <unistd.h>

#include <utility>

#include <sigkit/error.hpp>

namespace sigkit::apps {

pidfd start_shell(std::string text, std::string_view prefix, std::vector<std::string> variables,
                  spawn_options how) {
  for (char** entry = environ; *entry != nullptr; ++entry)
    if (!std::string_view(*entry).starts_with(prefix)) variables.emplace_back(*entry);
  std::vector<char*> environment;
  environment.reserve(variables.size() + 1);
  for (std::string& variable : variables)
    environment.push_back(variable.data());
  environment.push_back(nullptr);
  std::string shell = "sh";
  std::string option = "-c";
  char* const argv[] = {shell.data(), option.data(), text.data(), nullptr};
  how.group = 0;
  how.environment = environment.data();
  spawn_result started = spawn(argv, how);
  if (!started.process) throw error(started.exec_error, "running sh");
  return std::move(*started.process);
}

} // namespace sigkit::apps
