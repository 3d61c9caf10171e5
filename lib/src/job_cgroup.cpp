#include "job_cgroup.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include <sigkit/process.hpp>

#include "system.hpp"

namespace sigkit {

namespace {

cgroup make_below_own() {
  if (!proc_is_usable()) fail(ENOENT, "a cgroup: /proc does not show this PID namespace");
  const std::optional<cgroup> own = cgroup::of(::getpid());
  if (!own) fail(ENODEV, "a cgroup: none of version 2 is mounted that this process is in");
  const std::string name = "sigkit." + std::to_string(::getpid());
  for (int number = 0;; ++number) {
    try {
      cgroup made = own->make(number == 0 ? name : name + '.' + std::to_string(number));
      if (::faccessat(made.descriptor(), "cgroup.kill", W_OK, 0) == 0) return made;
      made.remove();
      fail(ENOTSUP, "a cgroup: cgroup.kill (Linux 5.14)");
    } catch (const error& failed) {
      constexpr int enough = 100;
      if (failed.code() != std::errc::file_exists || number == enough) throw;
    }
  }
}

std::vector<std::string> groups_below(int directory) {
  std::vector<std::string> names;
  unique_fd again(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(again.get()), &::closedir);
  if (!stream) return names;
  static_cast<void>(again.release()); // the stream closes it
  while (const dirent* entry = ::readdir(stream.get()))
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  return names;
}

void remove_below(int directory) {
  for (const std::string& name : groups_below(directory)) {
    const unique_fd below(::openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (below.has_value()) remove_below(below.get());
    ::unlinkat(directory, name.c_str(), AT_REMOVEDIR);
  }
}

} // namespace

job_cgroup::job_cgroup() : group_(make_below_own()) {}

job_cgroup::~job_cgroup() {
  remove_below(group_.descriptor());
  try {
    group_.remove();
  } catch (const error&) { // the command's leftovers are in it, or it was removed already
    return;
  }
}

void job_cgroup::wait_until_empty(duration timeout) const {
  const auto until = sys::after(sys::clock::now(), timeout);
  while (!group_.is_empty() && sys::clock::now() < until)
    sys::poll_until({}, sys::after(sys::clock::now(), std::chrono::milliseconds(2)));
}

} // namespace sigkit
