#include "sigsend/conditions.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <vector>

#include <sigkit/cgroup.hpp>

#include "common/message.hpp"
#include "common/options.hpp"

namespace sigkit::apps {

namespace {

pid_t to_parent(std::string_view text) {
  const int pid = is_number(text) ? to_int(text, "--parent") : 0;
  if (pid <= 0) throw usage_error("invalid process id " + in_quotes(text) + " for --parent");
  return pid;
}

/// "pts/3", "/dev/pts/3", or "-": none.
int to_terminal(std::string_view text) {
  if (text == "-" || text == "?") return 0;
  const std::string path = text.starts_with('/') ? std::string(text) : "/dev/" + std::string(text);
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0 || !S_ISCHR(found.st_mode))
    throw usage_error("no terminal is named " + in_quotes(text));
  return static_cast<int>(found.st_rdev);
}

/// The directory that cgroup2 is mounted on, from one below it; the directory itself where it is
/// that.
std::string mount_of(std::string directory) {
  for (;;) {
    const std::size_t slash = directory.rfind('/');
    if (slash == 0 || slash == std::string::npos || !cgroup::open(directory.substr(0, slash)))
      return directory;
    directory.resize(slash);
  }
}

/// As /proc/PID/cgroup has it: the path below the mount, where it may be that of the directory. One
/// that is not there is an error, or --inverse would mean everyone.
std::string to_cgroup(std::string_view text) {
  std::string path(text);
  while (path.size() > 1 && path.ends_with('/'))
    path.pop_back();
  if (!path.starts_with('/'))
    throw usage_error("invalid cgroup " + in_quotes(text) + ": a path from the root on");
  if (cgroup::open(path)) {
    const std::size_t mount = mount_of(path).size();
    return mount == path.size() ? "/" : path.substr(mount);
  }
  const auto own = cgroup::of(::getpid());
  if (!own || !cgroup::open(mount_of(own->path()) + path))
    throw usage_error("there is no cgroup " + in_quotes(text) + " (version 2)");
  return path;
}

bool has_conditions(const process_conditions& one) {
  return !one.name.empty() || !one.command.empty() || !one.users.empty() || !one.parents.empty() ||
         !one.terminals.empty() || one.older || one.newer || !one.cgroups.empty() ||
         one.only != process_conditions::pick::all;
}

} // namespace

void add_conditions(command_line& line, process_conditions& conditions, picked_ends& ends) {
  line.group("Only processes for which all of these hold");
  const auto take_pattern = [](std::vector<std::string>& patterns, const char* option) {
    return [&patterns, option](std::string_view text) {
      patterns.push_back(to_pattern(text, option));
    };
  };
  line.repeated("--name", "RE", take_pattern(conditions.name, "--name"), "in the process's name");
  line.repeated("--command", "RE", take_pattern(conditions.command, "--command"),
                "in its arguments, joined by spaces");
  line.flag("-x,--exact", conditions.exact, "RE matches the whole of it");
  line.repeated(
      "--user", "U",
      [&](std::string_view text) {
        for (const std::string& word : words_of_list(text, "--user"))
          conditions.users.push_back(to_user(word));
      },
      "of this effective user, or of these");
  line.repeated(
      "--parent", "PID",
      [&](std::string_view text) {
        for (const std::string& word : words_of_list(text, "--parent"))
          conditions.parents.push_back(to_parent(word));
      },
      "children of this process");
  line.repeated(
      "--tty", "T",
      [&](std::string_view text) {
        for (const std::string& word : words_of_list(text, "--tty"))
          conditions.terminals.push_back(to_terminal(word));
      },
      "on this terminal, as pts/3; - for none");
  line.option(
      "--older", "DUR",
      [&](std::string_view text) { conditions.older = to_duration(text, "--older"); },
      "started at least DUR ago");
  line.option(
      "--newer", "DUR",
      [&](std::string_view text) { conditions.newer = to_duration(text, "--newer"); },
      "started less than DUR ago");
  line.repeated(
      "--cgroup", "PATH",
      [&](std::string_view text) { conditions.cgroups.push_back(to_cgroup(text)); },
      "in this cgroup (version 2), or below it");
  line.flag("--inverse", conditions.inverse, "those for which they do not all hold");
  line.flag("--oldest", ends.oldest, "of those found, the one that started first");
  line.flag("--newest", ends.newest, "of those found, the one that started last");
}

bool resolve_conditions(process_conditions& conditions, picked_ends ends) {
  using pick = process_conditions::pick;
  if (ends.oldest && ends.newest)
    throw usage_error("options --oldest and --newest exclude each other");
  conditions.only = ends.oldest ? pick::oldest : ends.newest ? pick::newest : pick::all;
  const bool are_some = has_conditions(conditions);
  const bool has_pattern = !conditions.name.empty() || !conditions.command.empty();
  if (conditions.exact && !has_pattern) throw usage_error("--exact needs --name or --command");
  if (conditions.inverse && !are_some) throw usage_error("--inverse needs a condition");
  if (conditions.inverse && conditions.only != pick::all)
    throw usage_error("--inverse, and --oldest or --newest, exclude each other");
  return are_some;
}

} // namespace sigkit::apps
