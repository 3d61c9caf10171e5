#include "sigsend/pid_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <sigkit/process.hpp>

#include "common/message.hpp"

namespace sigkit::apps {

namespace {

std::string_view take_word(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  const std::string_view word = rest.substr(0, rest.find_first_of(" \n"));
  rest.remove_prefix(word.size());
  return word;
}

/// Who holds a lock of flock(2), as /proc/locks has it: "1: FLOCK ADVISORY WRITE 4711 fe:00:131 0
/// EOF".
std::optional<pid_t> owner_in_proc(int descriptor) {
  struct stat what {};
  if (!proc_is_usable() || ::fstat(descriptor, &what) != 0) return std::nullopt;
  const std::string file = fmt::format("{:02x}:{:02x}:{}", major(what.st_dev), minor(what.st_dev),
                                       static_cast<std::uint64_t>(what.st_ino));
  const std::unique_ptr<FILE, int (*)(FILE*)> locks(std::fopen("/proc/locks", "re"), &std::fclose);
  std::array<char, 256> line{};
  while (locks && std::fgets(line.data(), line.size(), locks.get()) != nullptr) {
    std::string_view rest(line.data());
    std::array<std::string_view, 6> words;
    for (std::string_view& word : words)
      word = take_word(rest);
    pid_t owner = 0;
    std::from_chars(words[4].data(), words[4].data() + words[4].size(), owner);
    if (words[1] == "FLOCK" && words[5] == file && owner != 0) return owner;
  }
  return std::nullopt;
}

} // namespace

// A pipe or a device must not be waited for.
pid_file::pid_file(std::string path)
    : path_(std::move(path)),
      file_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)), pid_(read_pid()) {
}

void pid_file::refuse(const std::string& why) const {
  throw std::runtime_error("pid file " + in_quotes(path_) + ": " + why);
}

pid_t pid_file::read_pid() const {
  if (!file_.has_value()) refuse(std::strerror(errno));
  std::array<char, 128> bytes{};
  const ssize_t size = ::read(file_.get(), bytes.data(), bytes.size());
  if (size < 0) refuse(std::strerror(errno));
  constexpr std::string_view space = " \t\r\n";
  std::string_view text(bytes.data(), static_cast<std::size_t>(size));
  const std::size_t start = text.find_first_not_of(space);
  if (start == std::string_view::npos) refuse("it is empty");
  text.remove_prefix(start);
  text = text.substr(0, text.find('\n')); // what other lines have is for others
  text = text.substr(0, text.find_last_not_of(space) + 1);
  pid_t pid = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, failed] = std::from_chars(text.data(), end, pid);
  if (failed != std::errc{} || rest != end || pid <= 0)
    refuse("there is no process id in its first line");
  return pid;
}

void pid_file::check_owner(pid_t owner) const {
  if (owner > 0 && owner != pid_ && read_process(owner))
    refuse(fmt::format("process {} holds the lock, not {}", owner, pid_));
}

void pid_file::check_lock() const {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(file_.get(), F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) {
    check_owner(lock.l_pid);
    return;
  }
  if (const auto owner = owner_in_proc(file_.get())) {
    check_owner(*owner);
    return;
  }
  // Not there on some file systems, whose devices /proc calls otherwise: it is tried for an
  // instant.
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) == 0)
    refuse("nobody holds a lock on it: it is stale");
  if (errno != EWOULDBLOCK) refuse(std::strerror(errno));
}

} // namespace sigkit::apps
