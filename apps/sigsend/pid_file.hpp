#pragma once

#include <sys/types.h>

#include <string>

namespace sigkit::apps {

/// The PID in a file, which nothing but space stands beside. With `locked`, the file must be
/// locked: by that process where the lock is of fcntl(2), by anyone where it is of flock(2). Throws
/// sigkit::error or usage_error with a message that names the file.
pid_t read_pid_file(const std::string& path, bool locked);

} // namespace sigkit::apps
