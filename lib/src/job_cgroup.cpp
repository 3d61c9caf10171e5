#include "job_cgroup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include <sigkit/process.hpp>

#include "proc.hpp"
#include "system.hpp"

namespace sigkit {

namespace {

bool can_hold_a_job(cgroup& made) {
  try {
    const auto type = proc::read_text(made.descriptor(), "cgroup.type");
    return type && type->starts_with("domain\n") &&
           ::faccessat(made.descriptor(), "cgroup.kill", W_OK, 0) == 0;
  } catch (...) {
    made.remove();
    throw;
  }
}

cgroup make_below_own() {
  if (!proc_is_usable()) fail(ENOENT, "a cgroup: /proc does not show this PID namespace");
  const std::optional<cgroup> own = cgroup::of(::getpid());
  if (!own) fail(ENODEV, "a cgroup: none of version 2 is mounted that this process is in");
  // To move a process down from there takes the right to write there.
  if (::faccessat(own->descriptor(), "cgroup.procs", W_OK, AT_EACCESS) != 0)
    fail(errno, "cgroup.procs of " + own->path());
  const std::string name = "sigkit." + std::to_string(::getpid());
  for (int number = 0;; ++number) {
    try {
      cgroup made = own->make(number == 0 ? name : name + '.' + std::to_string(number));
      if (can_hold_a_job(made)) return made;
      made.remove();
      fail(ENOTSUP, "a cgroup below " + own->path() +
                        ": it is threaded, or has no cgroup.kill (Linux 5.14)");
    } catch (const error& failed) {
      constexpr int enough = 100;
      if (failed.code() != std::errc::file_exists || number == enough) throw;
    }
  }
}

void remove_below(int directory) {
  for (const std::string& name : sys::directories_in(directory)) {
    const unique_fd below(::openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (below.has_value()) remove_below(below.get());
    ::unlinkat(directory, name.c_str(), AT_REMOVEDIR);
  }
}

} // namespace

job_cgroup::job_cgroup() : group_(make_below_own()) {}

job_cgroup::~job_cgroup() {
  constexpr int tries = 3;
  for (int i = 0; i < tries; ++i) {
    try {
      remove_below(group_.descriptor());
      group_.remove();
      return;
    } catch (const std::exception&) { // the command's leftovers are in it, or it is removed already
      continue;
    }
  }
}

} // namespace sigkit
