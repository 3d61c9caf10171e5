#include <sigkit/process_signals.hpp>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <span>
#include <string_view>

#include "proc.hpp"
#include "system.hpp"
#include "text.hpp"

namespace sigkit {

namespace {

constexpr signal_set stop_signals{sigstop, sigtstp, sigttin, sigttou};

bool is_alive(const process_status& thread) {
  return thread.state != 'Z' && thread.state != 'X';
}

/// Reads files of one process, and remembers whether one of them may not be read.
class reader {
public:
  explicit reader(int process) : process_(process) {}

  [[nodiscard]] bool was_refused() const noexcept { return refused_; }

  std::string text(const std::string& file) {
    std::string result;
    const unique_fd opened = sys::open_at(process_, file.c_str(), O_RDONLY);
    if (opened.has_value() && sys::read_all(opened.get(), result)) return result;
    note_refusal();
    return {};
  }

  /// A mask in the memory that a file "mem" stands for.
  signal_set mask_at(const std::string& file, std::uint64_t address) {
    const unique_fd memory = sys::open_at(process_, file.c_str(), O_RDONLY);
    std::uint64_t mask = 0;
    const auto read = [&] {
      return ::pread(memory.get(), &mask, sizeof mask, static_cast<off_t>(address));
    };
    if (memory.has_value() && sys::retry(read) == sizeof mask) return signal_set::from_mask(mask);
    note_refusal();
    return {};
  }

  std::vector<pid_t> numbers_in(const std::string& file) {
    unique_fd directory = sys::open_at(process_, file.c_str(), O_RDONLY | O_DIRECTORY);
    if (directory.has_value()) return proc::numbers_in(std::move(directory));
    note_refusal();
    return {};
  }

  [[nodiscard]] bool is_signalfd(const std::string& file) const {
    constexpr std::string_view wanted = "anon_inode:[signalfd]";
    std::array<char, wanted.size() + 1> target{};
    const ssize_t size = ::readlinkat(process_, file.c_str(), target.data(), target.size());
    return size > 0 && std::string_view(target.data(), static_cast<std::size_t>(size)) == wanted;
  }

private:
  void note_refusal() { refused_ = refused_ || errno == EACCES || errno == EPERM; }

  int process_;
  bool refused_ = false;
};

std::uint64_t from_hexadecimal(std::string_view digits) {
  if (digits.starts_with("0x")) digits.remove_prefix(2);
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return value;
}

/// The function of the kernel that it waits in says so; for who may not read that, "0".
bool may_wait_for_signals(std::string_view wait_channel) {
  return wait_channel.empty() || wait_channel == "0" ||
         wait_channel.find("sigtimedwait") != std::string_view::npos;
}

/// From "128 0x7ffd… 0x7ffd… 0x0 0x8 …", the system call that a thread is in: its number and
/// arguments, the set and the size of that first and last. The number is that of the process's own
/// architecture, which need not be ours.
signal_set awaited_in(std::string_view call, const std::string& directory, reader& files) {
  cut(call, ' '); // its number
  const std::uint64_t set = from_hexadecimal(cut(call, ' '));
  cut(call, ' '); // siginfo
  cut(call, ' '); // timeout
  if (from_hexadecimal(cut(call, ' ')) != sizeof(std::uint64_t)) return {};
  return files.mask_at(directory + "mem", set) - signal_set{sigkill, sigstop};
}

bool is_in_sigtimedwait(std::string_view wait_channel, std::string_view call) {
  if (wait_channel.find("sigtimedwait") != std::string_view::npos) return true;
  return parse_decimal<long>(cut(call, ' ')) == SYS_rt_sigtimedwait;
}

signal_set read_awaited(const std::string& directory, reader& files) {
  const std::string wait_channel = files.text(directory + "wchan");
  if (!may_wait_for_signals(wait_channel)) return {};
  const std::string call = files.text(directory + "syscall");
  if (!is_in_sigtimedwait(wait_channel, call)) return {};
  return awaited_in(call, directory, files);
}

/// Where the files of a thread are. Those of a first thread that has ended tell of nothing that its
/// process still has.
std::string directory_of(pid_t thread) {
  return "task/" + std::to_string(thread) + "/";
}

std::vector<thread_signals> read_threads(int process, const process_signals& whole, reader& files) {
  const process_status& first = whole.status;
  std::vector<pid_t> ids = proc::threads(process);
  std::ranges::sort(ids, {}, [&](pid_t id) { return std::pair(id != first.id, id); });
  std::vector<thread_signals> threads;
  for (const pid_t id : ids) {
    const std::string directory = directory_of(id);
    const auto status =
        id == first.id ? first : parse_process_status(files.text(directory + "status"));
    if (!status || !is_alive(*status)) continue;
    threads.push_back({*status, {}});
    if (status->state != 'R' && !whole.facts.kernel)
      threads.back().awaited = read_awaited(directory, files);
  }
  return threads;
}

signal_set read_by_descriptor(const std::string& directory, reader& files) {
  constexpr std::string_view key = "sigmask:\t";
  const std::string links = directory + "fd/";
  const std::string texts = directory + "fdinfo/";
  signal_set result;
  for (const pid_t descriptor : files.numbers_in(links)) {
    const std::string name = std::to_string(descriptor);
    if (!files.is_signalfd(links + name)) continue;
    const std::string text = files.text(texts + name);
    const std::size_t start = text.find(key);
    if (start == std::string::npos) continue;
    std::string_view digits = std::string_view(text).substr(start + key.size());
    result = result | signal_set::from_mask(from_hexadecimal(cut(digits, '\n')));
  }
  return result;
}

std::optional<process_signals> read_once(pid_t pid) {
  const unique_fd process = proc::open_process(pid);
  if (!process.has_value()) return std::nullopt;
  auto facts = proc::read_stat(process.get(), "stat");
  auto status = parse_process_status(proc::read_text(process.get(), "status").value_or(""));
  if (!facts || !status) return std::nullopt;
  reader files(process.get());
  process_signals result{std::move(*facts), std::move(*status), {}, {}, true};
  if (!has_ended(result.facts)) result.threads = read_threads(process.get(), result, files);
  const auto blocks = [](const thread_signals& one) { return !one.status.blocked.empty(); };
  if (!result.facts.kernel && std::ranges::any_of(result.threads, blocks))
    result.by_descriptor =
        read_by_descriptor(directory_of(result.threads.front().status.id), files);
  result.is_complete = !files.was_refused();
  return result;
}

std::optional<process_signals> read(pid_t pid) {
  auto result = read_once(pid);
  if (result && result->status.process != result->status.id)
    result = read_once(result->status.process);
  // It ended while it was read: another look tells whether it waits to be reaped, or is gone.
  if (result && result->threads.empty() && !has_ended(result->facts))
    result = read_once(result->status.id);
  return result;
}

} // namespace

std::size_t process_signals::count_blocking(signal_id signal) const noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(
      threads, [=](const thread_signals& one) { return one.status.blocked.contains(signal); }));
}

std::size_t process_signals::count_pending(signal_id signal) const noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(
      threads, [=](const thread_signals& one) { return one.status.pending.contains(signal); }));
}

signal_set process_signals::awaited() const noexcept {
  signal_set result;
  for (const thread_signals& one : threads)
    result = result | one.awaited;
  return result;
}

std::optional<process_signals> detail::read_signals(failure& why, pid_t pid) noexcept {
  return at_border(why, [&] { return read(pid); });
}

namespace {

using effect = reaction::effect;
using reason = reaction::reason;

/// The way of a signal through the kernel (prepare_signal, complete_signal and get_signal of its
/// signal.c): whether it is dropped at once, which thread takes it, and what that does.
class course {
public:
  /// Of the threads that may take it, and the one that it is sent to, which may have ended.
  course(signal_id signal, const process_signals& process, std::span<const thread_signals> threads,
         const process_status& target)
      : signal_(signal), process_(process), threads_(threads), target_(target) {}

  [[nodiscard]] reaction outcome() const {
    if (threads_.empty()) return {effect::none, reason::has_ended};
    if (signal_ == signull) return {};
    reaction result = first_step();
    result.resumes = resumes() && result.what != effect::resume && result.what != effect::none;
    return result;
  }

private:
  [[nodiscard]] bool is_stopped() const {
    const auto stopped = [](const thread_signals& one) { return one.status.state == 'T'; };
    return std::ranges::any_of(threads_, stopped);
  }

  [[nodiscard]] bool resumes() const { return signal_ == sigcont && is_stopped(); }

  /// KILL and STOP reach what is PID 1 of a namespace below this one.
  [[nodiscard]] bool is_kept_from_init() const {
    const bool is_outside = process_.status.id != 1;
    const bool is_forced = is_outside && (signal_ == sigkill || signal_ == sigstop);
    return process_.status.is_init && !is_forced;
  }

  /// Why nothing would be done with it, were it delivered; none where something would.
  [[nodiscard]] reason why_not() const {
    const default_action action = signal_.action();
    if (process_.status.ignored.contains(signal_)) return reason::ignored;
    if (process_.status.caught.contains(signal_)) return reason::none;
    if (action == default_action::resume) return reason::not_stopped;
    if (action == default_action::ignore) return reason::default_ignored;
    return is_kept_from_init() ? reason::is_init : reason::none;
  }

  [[nodiscard]] reaction nothing() const {
    if (resumes()) return {effect::resume, reason::none};
    return {effect::none, why_not()};
  }

  /// The thread that it is sent to, the first one where it is sent to the process, blocks it or is
  /// traced: it is not dropped at once, even where it is ignored.
  [[nodiscard]] bool is_held() const {
    const thread_signals& first = threads_.front();
    const bool is_awaited = first.status.id == target_.id && first.awaited.contains(signal_);
    return target_.blocked.contains(signal_) || is_awaited || target_.tracer != 0;
  }

  /// A signalfd reads what is pending to the process, and to the thread that reads it.
  [[nodiscard]] bool may_be_read() const {
    return process_.by_descriptor.contains(signal_) && threads_.size() == process_.threads.size();
  }

  [[nodiscard]] reaction first_step() const {
    if (why_not() != reason::none && !is_held()) return nothing();
    if (signal_ == sigkill) return {effect::terminate, reason::none};
    // The next CONT takes it back.
    if (stop_signals.contains(signal_) && is_stopped()) return {effect::none, reason::is_stopped};
    const auto takes = [this](const thread_signals& one) {
      return !one.status.blocked.contains(signal_);
    };
    const auto taker = std::ranges::find_if(threads_, takes);
    if (taker == threads_.end())
      return {effect::pend, may_be_read() ? reason::read_by_descriptor : reason::blocked};
    return taken_by(*taker);
  }

  [[nodiscard]] reaction taken_by(const thread_signals& taker) const {
    if (is_stopped() && signal_ != sigcont) return {effect::pend, reason::is_stopped};
    if (taker.awaited.contains(signal_)) return {effect::taken, reason::none};
    if (taker.status.tracer != 0) return {effect::traced, reason::none};
    if (process_.status.caught.contains(signal_)) return {effect::handler, reason::none};
    if (why_not() != reason::none) return nothing();
    return by_default();
  }

  [[nodiscard]] reaction by_default() const {
    switch (signal_.action()) {
    case default_action::core: return {effect::core, reason::none};
    case default_action::stop:
      return {effect::stop, signal_ == sigstop ? reason::none : reason::default_stop};
    default: return {effect::terminate, reason::none};
    }
  }

  signal_id signal_;
  const process_signals& process_;
  std::span<const thread_signals> threads_;
  const process_status& target_;
};

const char* text_of(reason why) {
  switch (why) {
  case reason::none: return "";
  case reason::ignored: return "ignored";
  case reason::default_ignored: return "ignored by default";
  case reason::default_stop: return " (if not orphaned)";
  case reason::not_stopped: return "it is not stopped";
  case reason::is_stopped: return "it is stopped";
  case reason::is_init: return "PID 1 does not catch it";
  case reason::has_ended: return "it has ended";
  case reason::blocked: return "blocked";
  case reason::read_by_descriptor: return "blocked (signalfd)";
  }
  return "";
}

const char* text_of(effect what) {
  switch (what) {
  case effect::none: return "nothing";
  case effect::handler: return "runs its handler";
  case effect::terminate: return "terminates it";
  case effect::core: return "terminates it (core)";
  case effect::stop: return "stops it";
  case effect::resume: return "continues it";
  case effect::pend: return "stays pending";
  case effect::taken: return "is taken by sigwait";
  case effect::traced: return "its tracer decides";
  }
  return "";
}

} // namespace

reaction reaction_to(signal_id signal, const process_signals& process) noexcept {
  return course(signal, process, process.threads, process.status).outcome();
}

reaction reaction_to(signal_id signal, const process_signals& process,
                     const thread_signals& thread) noexcept {
  return course(signal, process, {&thread, 1}, thread.status).outcome();
}

std::string to_string(const reaction& outcome) {
  std::string text = outcome.resumes ? "continues it, " : "";
  text += text_of(outcome.what);
  if (outcome.why == reason::none) return text;
  return text + (outcome.what == effect::stop ? "" : ": ") + text_of(outcome.why);
}

} // namespace sigkit
