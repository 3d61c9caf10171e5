#include "system.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <memory>

namespace sigkit::sys {

namespace {

int errno_of(long result) noexcept {
  return result < 0 ? errno : 0;
}

} // namespace

clock::time_point after(clock::time_point start, duration length) noexcept {
  return length > clock::time_point::max() - start ? clock::time_point::max() : start + length;
}

timespec to_timespec(duration length) noexcept {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(length);
  return {static_cast<time_t>(seconds.count()), static_cast<long>((length - seconds).count())};
}

unique_fd open_at(int directory, const char* path, int flags) {
  unique_fd file(retry([&] { return ::openat(directory, path, flags | O_CLOEXEC); }));
  if (!file.has_value() && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
    fail(errno, std::string("open(2) of ") + path);
  return file;
}

bool read_all(int descriptor, std::string& text) {
  text.clear();
  constexpr std::size_t chunk = 4096;
  for (;;) {
    const std::size_t size = text.size();
    text.resize(size + chunk);
    const ssize_t count = retry([&] { return ::read(descriptor, text.data() + size, chunk); });
    text.resize(size + static_cast<std::size_t>(count > 0 ? count : 0));
    if (count < 0 && errno == ENOMEM) fail(errno, "read(2)");
    if (count < 0) return false;
    if (count == 0) return true;
  }
}

std::size_t descriptor_budget() noexcept {
  constexpr rlim_t for_all_else = 16;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur <= for_all_else) return 0;
  return static_cast<std::size_t>((limit.rlim_cur - for_all_else) / 4);
}

raised_descriptor_limit::raised_descriptor_limit() noexcept {
  constexpr rlim_t enough = 65536;
  if (::getrlimit(RLIMIT_NOFILE, &before_) != 0) return;
  const rlimit wanted{std::min(before_.rlim_max, enough), before_.rlim_max};
  raised_ = wanted.rlim_cur > before_.rlim_cur && ::setrlimit(RLIMIT_NOFILE, &wanted) == 0;
}

raised_descriptor_limit::~raised_descriptor_limit() {
  if (raised_) ::setrlimit(RLIMIT_NOFILE, &before_);
}

const dirent* next_entry(DIR* stream) {
  errno = 0;
  const dirent* const entry = ::readdir(stream);
  if (entry == nullptr && errno != 0 && !is_of_an_ended_process(errno)) fail(errno, "readdir(3)");
  return entry;
}

std::vector<std::string> directories_in(int directory) {
  unique_fd again = open_at(directory, ".", O_RDONLY | O_DIRECTORY);
  if (!again.has_value()) return {};
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(again.get()), &::closedir);
  if (!stream) fail(errno, "opendir(3)");
  static_cast<void>(again.release()); // the stream closes it
  std::vector<std::string> names;
  while (const dirent* entry = next_entry(stream.get()))
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  return names;
}

unique_fd make_signalfd(signal_set set) {
  const sigset_t native = set.to_sigset();
  const int descriptor = ::signalfd(-1, &native, SFD_CLOEXEC | SFD_NONBLOCK);
  if (descriptor < 0) fail(errno, "signalfd(2)");
  return unique_fd(descriptor);
}

bool take_signal(signal_set set, siginfo_t& received) noexcept {
  const std::uint64_t mask = set.mask();
  const timespec at_once{};
  const auto take = [&] {
    return ::syscall(SYS_rt_sigtimedwait, &mask, &received, &at_once, sizeof mask);
  };
  return retry(take) > 0;
}

void poll_until(std::span<pollfd> descriptors, clock::time_point deadline) {
  for (;;) {
    timespec left{};
    const bool bounded = deadline != clock::time_point::max();
    if (bounded) left = to_timespec(std::max(deadline - clock::now(), clock::duration::zero()));
    if (::ppoll(descriptors.data(), descriptors.size(), bounded ? &left : nullptr, nullptr) >= 0)
      return;
    if (errno != EINTR && errno != EAGAIN && errno != ENOMEM) fail(errno, "ppoll(2)");
    // As if nothing had come: what is due must not wait for memory.
    if (bounded && clock::now() >= deadline) {
      for (pollfd& one : descriptors)
        one.revents = 0;
      return;
    }
  }
}

int write_all(int descriptor, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t count = retry([&] { return ::write(descriptor, text.data(), text.size()); });
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
      continue;
    }
    if (errno != EAGAIN) return errno;
    pollfd writable{descriptor, POLLOUT, 0};
    ::poll(&writable, 1, -1);
  }
  return 0;
}

std::string pidfd_open_named(int failed) {
  return failed == ENOSYS ? "pidfd_open(2), which Linux has from 5.3," : "pidfd_open(2)";
}

std::string pidfd_send_signal_named(int failed) {
  return failed == ENOSYS ? "pidfd_send_signal(2), which Linux has from 5.1,"
                          : "pidfd_send_signal(2)";
}

int pidfd_open(pid_t pid, unique_fd& result, unsigned flags) noexcept {
  const long descriptor = ::syscall(SYS_pidfd_open, pid, flags);
  if (descriptor < 0) return errno;
  result.reset(static_cast<int>(descriptor));
  return 0;
}

int pidfd_send_signal(int pidfd, signal_id signal, unsigned flags) noexcept {
  return errno_of(::syscall(SYS_pidfd_send_signal, pidfd, signal.number(), nullptr, flags));
}

int pidfd_queue(int pidfd, signal_id signal, int value) noexcept {
  siginfo_t info;
  std::memset(&info, 0, sizeof info);
  info.si_signo = signal.number();
  info.si_code = SI_QUEUE;
  info.si_pid = ::getpid();
  info.si_uid = ::getuid();
  info.si_value.sival_int = value;
  return errno_of(::syscall(SYS_pidfd_send_signal, pidfd, signal.number(), &info, 0));
}

int pidfd_pass_on(int pidfd, const siginfo_t& received) noexcept {
  const siginfo_t* const info = received.si_code == SI_QUEUE ? &received : nullptr;
  return errno_of(::syscall(SYS_pidfd_send_signal, pidfd, received.si_signo, info, 0));
}

int kill(pid_t pid, signal_id signal) noexcept {
  return errno_of(::kill(pid, signal.number()));
}

int kill_child(pid_t child, signal_id signal) noexcept {
  return child > 0 ? kill(child, signal) : ESRCH;
}

int pass_on_to_child(pid_t child, const siginfo_t& received) noexcept {
  if (received.si_code != SI_QUEUE) return kill_child(child, signal_id(received.si_signo));
  if (child <= 0) return ESRCH;
  return errno_of(::syscall(SYS_rt_sigqueueinfo, child, received.si_signo, &received));
}

int queue(pid_t pid, signal_id signal, int value) noexcept {
  return errno_of(::sigqueue(pid, signal.number(), {value}));
}

int tgkill(pid_t process, pid_t thread, signal_id signal) noexcept {
  return errno_of(::tgkill(process, thread, signal.number()));
}

} // namespace sigkit::sys
