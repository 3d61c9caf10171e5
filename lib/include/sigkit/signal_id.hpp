#pragma once

#include <csignal>

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include <sigkit/export.hpp>

namespace sigkit {

/// What the kernel does with a signal that has no handler and is not ignored (signal(7)).
enum class default_action : unsigned char { terminate, core, stop, resume, ignore };

/// The word for it: "terminate", "core", "stop", "continue", "ignore".
/// Thread-safe and async-signal-safe.
SIGKIT_API const char* to_string(default_action action) noexcept;

/// One signal, by its number. 0 is the null signal of kill(2): it only checks.
///
/// A strong type: no int turns into a signal by accident, and no signal into an exit status.
/// The number is not checked when it is made; from_number() and parse_signal() do check.
/// Thread-safe; what allocates is said, the rest is async-signal-safe.
class signal_id {
public:
  constexpr explicit signal_id(int number) noexcept : number_(number) {}

  /// The highest number the kernel knows (_NSIG - 1, 64 on all common machines).
  static constexpr int highest = _NSIG - 1;

  /// Checked: nothing where `number` is not in 0..highest.
  static constexpr std::optional<signal_id> from_number(int number) noexcept {
    if (number < 0 || number > highest) return std::nullopt;
    return signal_id(number);
  }

  /// As it was given.
  [[nodiscard]] constexpr int number() const noexcept { return number_; }
  auto operator<=>(const signal_id&) const = default;

  /// Real-time in the sense of signal(7), by the run-time range SIGRTMIN..SIGRTMAX.
  [[nodiscard]] SIGKIT_API bool is_real_time() const noexcept;

  /// 32 and 33, which the C library keeps for itself: they can be sent, not caught or blocked.
  [[nodiscard]] SIGKIT_API bool is_reserved() const noexcept;

  /// Whether its disposition can be changed: every signal but 0, KILL, STOP and reserved ones.
  [[nodiscard]] SIGKIT_API bool is_changeable() const noexcept;

  /// Without "SIG": "TERM", "RTMIN+3", "RTMAX-2"; the number where there is no name. Allocates.
  [[nodiscard]] SIGKIT_API std::string name() const;

  /// What it is for, a few words; empty where unknown.
  [[nodiscard]] SIGKIT_API std::string_view description() const noexcept;

  /// Its default action; for a number that is no signal, terminate.
  [[nodiscard]] SIGKIT_API default_action action() const noexcept;

  /// Whether its default action ends the process (terminate or core). False for 0.
  [[nodiscard]] bool terminates() const noexcept {
    if (number_ == 0) return false;
    return action() == default_action::terminate || action() == default_action::core;
  }

private:
  int number_;
};

/// SIG of the command line: a name with or without "SIG" in any case (TERM, SIGTERM, an alias
/// such as IOT, CLD, POLL), a decimal number from 0 to signal_id::highest, or a real-time signal
/// as RTMIN, RTMIN+n, RTMAX, RTMAX-n, RTn. Nothing where it is none of these.
/// Thread-safe: yes. Async-signal-safe: no.
SIGKIT_API std::optional<signal_id> parse_signal(std::string_view text);

/// SIGRTMIN and SIGRTMAX of this process: calls into the C library, hence no constants.
/// Thread-safe and async-signal-safe.
SIGKIT_API signal_id real_time_min() noexcept;
SIGKIT_API signal_id real_time_max() noexcept;

// The signals of <signal.h>, and the older names that some of them have besides.

inline constexpr signal_id signull{0};
inline constexpr signal_id sighup{SIGHUP};
inline constexpr signal_id sigint{SIGINT};
inline constexpr signal_id sigquit{SIGQUIT};
inline constexpr signal_id sigill{SIGILL};
inline constexpr signal_id sigtrap{SIGTRAP};
inline constexpr signal_id sigabrt{SIGABRT};
inline constexpr signal_id sigbus{SIGBUS};
inline constexpr signal_id sigfpe{SIGFPE};
inline constexpr signal_id sigkill{SIGKILL};
inline constexpr signal_id sigusr1{SIGUSR1};
inline constexpr signal_id sigsegv{SIGSEGV};
inline constexpr signal_id sigusr2{SIGUSR2};
inline constexpr signal_id sigpipe{SIGPIPE};
inline constexpr signal_id sigalrm{SIGALRM};
inline constexpr signal_id sigterm{SIGTERM};
#ifdef SIGSTKFLT
inline constexpr signal_id sigstkflt{SIGSTKFLT};
#endif
inline constexpr signal_id sigchld{SIGCHLD};
inline constexpr signal_id sigcont{SIGCONT};
inline constexpr signal_id sigstop{SIGSTOP};
inline constexpr signal_id sigtstp{SIGTSTP};
inline constexpr signal_id sigttin{SIGTTIN};
inline constexpr signal_id sigttou{SIGTTOU};
inline constexpr signal_id sigurg{SIGURG};
inline constexpr signal_id sigxcpu{SIGXCPU};
inline constexpr signal_id sigxfsz{SIGXFSZ};
inline constexpr signal_id sigvtalrm{SIGVTALRM};
inline constexpr signal_id sigprof{SIGPROF};
inline constexpr signal_id sigwinch{SIGWINCH};
inline constexpr signal_id sigio{SIGIO};
inline constexpr signal_id sigpwr{SIGPWR};
inline constexpr signal_id sigsys{SIGSYS};
inline constexpr signal_id sigiot = sigabrt;
inline constexpr signal_id sigcld = sigchld;
inline constexpr signal_id sigpoll = sigio;

} // namespace sigkit
