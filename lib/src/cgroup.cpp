#include <sigkit/cgroup.hpp>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <sigkit/pidfd.hpp>

#include "frozen_cgroup.hpp"
#include "own_wake.hpp"
#include "proc.hpp"
#include "system.hpp"
#include "text.hpp"

namespace sigkit {

namespace {

constexpr duration freezing_limit = std::chrono::seconds(1);

/// `whole` is the path as it is known to the user.
std::string read_file(int directory, const char* path, const std::string& whole) {
  const unique_fd file = sys::open_at(directory, path, O_RDONLY);
  if (!file.has_value()) fail(errno, "open(2) of " + whole);
  std::string text;
  if (!sys::read_all(file.get(), text)) fail(errno, "read(2) of " + whole);
  return text;
}

std::string read_file(const cgroup& which, const char* file) {
  return read_file(which.descriptor(), file, which.path() + '/' + file);
}

/// mountinfo of proc(5) has a space as \040, and so on.
std::string without_escapes(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    if (text.front() == '\\' && text.size() >= 4) {
      const auto digit = [&](std::size_t i) { return text[i] - '0'; };
      result += static_cast<char>(digit(1) * 64 + digit(2) * 8 + digit(3));
      text.remove_prefix(4);
    } else {
      result += text.front();
      text.remove_prefix(1);
    }
  }
  return result;
}

struct mount_point {
  std::string root; ///< what of the hierarchy is mounted there
  std::string path;
};

/// Where cgroup2 is mounted.
std::optional<mount_point> find_mount() {
  const std::string text = read_file(AT_FDCWD, "/proc/self/mountinfo", "/proc/self/mountinfo");
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = cut(rest, '\n');
    if (line.find(" - cgroup2 ") == std::string_view::npos) continue;
    std::string_view fields = line;
    for (int skipped = 0; skipped < 3; ++skipped) // the IDs of the mount, its parent and device
      cut(fields, ' ');
    const std::string_view root = cut(fields, ' ');
    return mount_point{without_escapes(root), without_escapes(cut(fields, ' '))};
  }
  return std::nullopt;
}

std::optional<cgroup> open_directory(const std::string& path) {
  unique_fd directory = sys::open_at(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY);
  struct statfs system {};
  if (!directory.has_value() || ::fstatfs(directory.get(), &system) != 0 ||
      system.f_type != CGROUP2_SUPER_MAGIC)
    return std::nullopt;
  return cgroup(path, std::move(directory));
}

std::optional<cgroup> find(pid_t pid) {
  const unique_fd process = proc::open_process(pid);
  if (!process.has_value()) return std::nullopt;
  const std::optional<std::string> path = proc::cgroup_path(process.get());
  const std::optional<mount_point> mount = find_mount();
  if (!path || !mount) return std::nullopt;
  std::string_view below = *path;
  if (mount->root != "/") { // a part of the hierarchy is mounted, as in a container
    const bool is_there = below == mount->root || below.starts_with(mount->root + '/');
    if (!is_there) return std::nullopt;
    below.remove_prefix(mount->root.size());
  }
  return open_directory(below == "/" ? mount->path : mount->path + std::string(below));
}

void write_file(const cgroup& which, const char* file, std::string_view text) {
  const unique_fd opened = sys::open_at(which.descriptor(), file, O_WRONLY);
  int failed = opened.has_value() ? 0 : errno;
  if (failed == 0) failed = sys::write_all(opened.get(), text);
  if (failed != 0) fail(failed, std::string("write(2) to ") + file + " of " + which.path());
}

void add_numbers(std::string_view text, std::vector<pid_t>& numbers) {
  while (!text.empty())
    if (const auto number = parse_decimal<pid_t>(cut(text, '\n'))) numbers.push_back(*number);
}

/// What is removed meanwhile has no members, and those of a threaded one are listed above it.
void collect_members(int directory, std::vector<pid_t>& members) {
  for (const std::string& name : sys::directories_in(directory)) {
    const unique_fd below = sys::open_at(directory, name.c_str(), O_RDONLY | O_DIRECTORY);
    if (!below.has_value()) continue;
    const unique_fd file = sys::open_at(below.get(), "cgroup.procs", O_RDONLY);
    std::string text;
    if (file.has_value() && sys::read_all(file.get(), text)) add_numbers(text, members);
    collect_members(below.get(), members);
  }
}

std::vector<pid_t> members_of(const cgroup& whose) {
  std::vector<pid_t> members;
  add_numbers(read_file(whose, "cgroup.procs"), members);
  collect_members(whose.descriptor(), members);
  return members;
}

/// Whether `events`, the text of cgroup.events, has this line.
bool has_state(std::string_view events, std::string_view state) {
  while (!events.empty())
    if (cut(events, '\n') == state) return true;
  return false;
}

/// Freezes and waits, in a call that calls no handlers.
void freeze(const cgroup& which) {
  write_file(which, "cgroup.freeze", "1");
  const auto until = sys::after(sys::clock::now(), freezing_limit);
  const unique_fd events = sys::open_at(which.descriptor(), "cgroup.events", O_RDONLY);
  std::string text;
  while (events.has_value() && ::lseek(events.get(), 0, SEEK_SET) == 0 &&
         sys::read_all(events.get(), text) && !has_state(text, "frozen 1") &&
         sys::clock::now() < until) {
    pollfd changed{events.get(), POLLPRI, 0};
    sys::poll_until({&changed, 1}, until);
  }
}

/// A PID may have become another's before it was held. One that is a member's again afterwards is
/// what is held, or what is held has ended.
std::size_t send_to_those(const cgroup& which, std::span<const pid_t> listed, signal_id signal) {
  std::vector<std::pair<pid_t, unique_fd>> held;
  for (const pid_t pid : listed) {
    unique_fd one;
    const int failed = pid > 0 ? sys::pidfd_open(pid, one) : ESRCH;
    if (failed == 0) held.emplace_back(pid, std::move(one));
    if (failed != 0 && !sys::is_of_no_process(failed))
      fail(failed, sys::pidfd_open_named(failed) + " of process " + std::to_string(pid));
  }
  std::vector<pid_t> members = members_of(which);
  std::sort(members.begin(), members.end());
  std::size_t sent = 0;
  for (const auto& [pid, one] : held) {
    if (!std::binary_search(members.begin(), members.end(), pid)) continue;
    const int failed = sys::pidfd_send_signal(one.get(), signal);
    if (failed == 0) ++sent;
    if (failed != 0 && failed != ESRCH && failed != EPERM)
      fail(failed, sys::pidfd_send_signal_named(failed) + " of " + signal.name() + " to process " +
                       std::to_string(pid));
  }
  return sent;
}

/// Frozen, nobody forks: what is there is there until the end.
std::size_t send_to_members(const cgroup& which, signal_id signal) {
  constexpr std::size_t at_once = 64; // held
  std::size_t sent = 0;
  const std::vector<pid_t> members = members_of(which);
  for (std::span<const pid_t> rest = members; !rest.empty();) {
    const std::size_t count = std::min(at_once, rest.size());
    sent += send_to_those(which, rest.first(count), signal);
    rest = rest.subspan(count);
  }
  return sent;
}

std::size_t send_to(const cgroup& which, signal_id signal) {
  if (!signal_id::from_number(signal.number()))
    fail(EINVAL, "signal " + signal.name() + " to " + which.path());
  if (signal == sigkill) {
    const std::size_t count = members_of(which).size();
    write_file(which, "cgroup.kill", "1");
    return count;
  }
  if (!signal.terminates()) return send_to_members(which, signal);
  const frozen_cgroup meanwhile(which);
  return send_to_members(which, signal);
}

} // namespace

frozen_cgroup::frozen_cgroup(const cgroup& which)
    : which_(&which), was_frozen_(read_file(which, "cgroup.freeze").starts_with('1')) {
  if (was_frozen_) return;
  try {
    freeze(which);
  } catch (...) {
    thaw();
    throw;
  }
}

frozen_cgroup::~frozen_cgroup() {
  if (!was_frozen_) thaw();
}

void frozen_cgroup::thaw() noexcept {
  const unique_fd file(::openat(which_->descriptor(), "cgroup.freeze", O_WRONLY | O_CLOEXEC));
  if (file.has_value()) sys::write_all(file.get(), "0");
}

std::optional<cgroup> detail::cgroup_of(failure& why, pid_t pid) noexcept {
  return at_border(why, [&] { return find(pid); });
}

std::optional<cgroup> detail::cgroup_open(failure& why, const std::string& path) noexcept {
  return at_border(why, [&] { return open_directory(path); });
}

std::optional<cgroup> detail::cgroup_make(failure& why, const cgroup& parent,
                                          const std::string& name) noexcept {
  return at_border(why, [&] {
    const std::string path = parent.path() + '/' + name;
    if (name.find_first_of(std::string_view("/\0", 2)) != std::string::npos)
      fail(EINVAL, "mkdir(2) of " + path);
    if (::mkdirat(parent.descriptor(), name.c_str(), 0755) != 0) fail(errno, "mkdir(2) of " + path);
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    unique_fd directory(
        sys::retry([&] { return ::openat(parent.descriptor(), name.c_str(), flags); }));
    if (!directory.has_value()) {
      const int failed = errno;
      ::unlinkat(parent.descriptor(), name.c_str(), AT_REMOVEDIR);
      fail(failed, "open(2) of " + path);
    }
    return std::optional<cgroup>(std::in_place, path, std::move(directory));
  });
}

void detail::cgroup_add(failure& why, const cgroup& to, pid_t pid) noexcept {
  at_border(why, [&] {
    if (pid <= 0) fail(EINVAL, "a cgroup for PID " + std::to_string(pid));
    write_file(to, "cgroup.procs", std::to_string(pid));
  });
}

std::vector<pid_t> detail::cgroup_members(failure& why, const cgroup& whose) noexcept {
  return at_border(why, [&] { return members_of(whose); });
}

bool detail::cgroup_is_empty(failure& why, const cgroup& which) noexcept {
  return at_border(why,
                   [&] { return has_state(read_file(which, "cgroup.events"), "populated 0"); });
}

detail::wait_end detail::cgroup_wait(failure& why, const cgroup& which, const char* state,
                                     deadline until) noexcept {
  return at_border(why, [&] {
    const own_wake wake;
    const unique_fd events = sys::open_at(which.descriptor(), "cgroup.events", O_RDONLY);
    std::string text;
    if (!events.has_value() || !sys::read_all(events.get(), text))
      fail(errno, "read(2) of cgroup.events of " + which.path());
    if (has_state(text, state)) return wait_end::ready;
    std::array<pollfd, 2> sources{{{events.get(), POLLPRI, 0}, wake.source()}};
    sys::poll_until(sources, wake.limit(until));
    return sys::clock::now() < until ? wait_end::again : wait_end::timed_out;
  });
}

void detail::cgroup_write(failure& why, const cgroup& which, const char* file,
                          const char* text) noexcept {
  at_border(why, [&] { write_file(which, file, text); });
}

std::size_t detail::cgroup_send(failure& why, const cgroup& which, signal_id signal) noexcept {
  return at_border(why, [&] { return send_to(which, signal); });
}

void detail::cgroup_remove(failure& why, const cgroup& which) noexcept {
  at_border(why, [&] {
    struct stat held {};
    struct stat named {};
    const bool is_same = ::fstat(which.descriptor(), &held) == 0 &&
                         ::stat(which.path().c_str(), &named) == 0 && held.st_dev == named.st_dev &&
                         held.st_ino == named.st_ino;
    if (!is_same) fail(ENOENT, "rmdir(2) of " + which.path());
    if (::rmdir(which.path().c_str()) != 0) fail(errno, "rmdir(2) of " + which.path());
  });
}

} // namespace sigkit
