#include <sigkit/signal_id.hpp>

#include <array>
#include <charconv>
#include <cstdint>

#include "text.hpp"

namespace sigkit {

namespace {

struct entry {
  int number = 0;
  std::string_view name;
  default_action action = default_action::terminate;
  std::string_view description;
};

using enum default_action;

constexpr entry known_signals[] = {
    {SIGHUP, "HUP", terminate, "terminal closed; daemons read their configuration again"},
    {SIGINT, "INT", terminate, "interrupted from the terminal (Ctrl-C)"},
    {SIGQUIT, "QUIT", core, "quit from the terminal (Ctrl-\\), with a core dump"},
    {SIGILL, "ILL", core, "illegal instruction"},
    {SIGTRAP, "TRAP", core, "breakpoint or trace trap"},
    {SIGABRT, "ABRT", core, "aborted by abort(3)"},
    {SIGBUS, "BUS", core, "bad memory access (bus error)"},
    {SIGFPE, "FPE", core, "bad arithmetic operation"},
    {SIGKILL, "KILL", terminate, "ends at once; cannot be caught, blocked or ignored"},
    {SIGUSR1, "USR1", terminate, "for the program's own use"},
    {SIGSEGV, "SEGV", core, "invalid memory reference"},
    {SIGUSR2, "USR2", terminate, "for the program's own use"},
    {SIGPIPE, "PIPE", terminate, "wrote to a pipe that nobody reads"},
    {SIGALRM, "ALRM", terminate, "timer of alarm(2) ran out"},
    {SIGTERM, "TERM", terminate, "asked to end"},
#ifdef SIGSTKFLT
    {SIGSTKFLT, "STKFLT", terminate, "stack fault of a coprocessor (unused)"},
#endif
    {SIGCHLD, "CHLD", ignore, "a child ended, stopped or went on"},
    {SIGCONT, "CONT", resume, "go on if stopped"},
    {SIGSTOP, "STOP", stop, "stops; cannot be caught, blocked or ignored"},
    {SIGTSTP, "TSTP", stop, "stopped from the terminal (Ctrl-Z)"},
    {SIGTTIN, "TTIN", stop, "read from the terminal in the background"},
    {SIGTTOU, "TTOU", stop, "wrote to the terminal in the background"},
    {SIGURG, "URG", ignore, "urgent data on a socket"},
    {SIGXCPU, "XCPU", core, "limit of processor time passed"},
    {SIGXFSZ, "XFSZ", core, "limit of file size passed"},
    {SIGVTALRM, "VTALRM", terminate, "timer of the process's own time ran out"},
    {SIGPROF, "PROF", terminate, "profiling timer ran out"},
    {SIGWINCH, "WINCH", ignore, "the terminal's window changed its size"},
    {SIGIO, "IO", terminate, "input or output is possible"},
    {SIGPWR, "PWR", terminate, "power failure"},
    {SIGSYS, "SYS", core, "bad system call"},
};

struct alias {
  std::string_view name;
  int number;
};
constexpr alias aliases[] = {
    {"IOT", SIGIOT}, {"CLD", SIGCHLD}, {"POLL", SIGPOLL}, {"UNUSED", SIGSYS}};

/// Where each is in the table, counted from 1. No pointers: those are relocated at each start.
constexpr auto place_of = [] {
  std::array<std::uint8_t, signal_id::highest + 1> places{};
  std::uint8_t place = 0;
  for (const entry& known : known_signals)
    places[static_cast<std::size_t>(known.number)] = ++place;
  return places;
}();

const entry* find_entry(int number) noexcept {
  if (number < 1 || number > signal_id::highest) return nullptr;
  const std::size_t place = place_of[static_cast<std::size_t>(number)];
  return place != 0 ? &known_signals[place - 1] : nullptr;
}

/// "RTMIN", "RTMIN+n", "RTMAX-n", "RTn", already in capitals and without "SIG".
std::optional<signal_id> parse_real_time(std::string_view text) {
  int base = SIGRTMIN;
  int sign = 1;
  std::string_view offset;
  if (text.starts_with("RTMIN")) {
    offset = text.substr(5);
    if (offset.empty()) return signal_id(SIGRTMIN);
    if (offset.front() != '+') return std::nullopt;
    offset.remove_prefix(1);
  } else if (text.starts_with("RTMAX")) {
    offset = text.substr(5);
    if (offset.empty()) return signal_id(SIGRTMAX);
    if (offset.front() != '-') return std::nullopt;
    offset.remove_prefix(1);
    base = SIGRTMAX;
    sign = -1;
  } else if (text.starts_with("RT")) {
    offset = text.substr(2);
  } else {
    return std::nullopt;
  }
  const std::optional<int> steps = parse_decimal<int>(offset);
  if (!steps || *steps > SIGRTMAX - SIGRTMIN) return std::nullopt;
  return signal_id(base + sign * *steps);
}

} // namespace

const char* to_string(default_action action) noexcept {
  switch (action) {
  case terminate: return "terminate";
  case core: return "core";
  case stop: return "stop";
  case resume: return "continue";
  case ignore: return "ignore";
  }
  return "?";
}

signal_id real_time_min() noexcept {
  return signal_id(SIGRTMIN);
}
signal_id real_time_max() noexcept {
  return signal_id(SIGRTMAX);
}

bool signal_id::is_real_time() const noexcept {
  return number_ >= SIGRTMIN && number_ <= SIGRTMAX;
}

bool signal_id::is_reserved() const noexcept {
  return number_ > SIGSYS && number_ < SIGRTMIN;
}

bool signal_id::is_changeable() const noexcept {
  return number_ >= 1 && number_ <= highest && number_ != SIGKILL && number_ != SIGSTOP &&
         !is_reserved();
}

std::string signal_id::name() const {
  if (const entry* known = find_entry(number_)) return std::string(known->name);
  if (!is_real_time()) return std::to_string(number_);
  const int from_min = number_ - SIGRTMIN;
  const int from_max = SIGRTMAX - number_;
  if (from_min == 0) return "RTMIN";
  if (from_max == 0) return "RTMAX";
  // The shorter way to say it, as the shells do.
  return from_min <= from_max ? "RTMIN+" + std::to_string(from_min)
                              : "RTMAX-" + std::to_string(from_max);
}

std::string_view signal_id::description() const noexcept {
  if (const entry* known = find_entry(number_)) return known->description;
  if (is_real_time()) return "real-time: queued, with a value, for the program's own use";
  if (is_reserved()) return "kept by the C library for its threads";
  return {};
}

default_action signal_id::action() const noexcept {
  const entry* known = find_entry(number_);
  return known != nullptr ? known->action : terminate;
}

std::optional<signal_id> parse_signal(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (is_digit(text.front())) {
    const std::optional<int> number = parse_decimal<int>(text);
    return number ? signal_id::from_number(*number) : std::nullopt;
  }
  const std::string upper = to_upper(text);
  std::string_view name = upper;
  if (name.starts_with("SIG")) name.remove_prefix(3);
  for (const entry& known : known_signals)
    if (known.name == name) return signal_id(known.number);
  for (const alias& other : aliases)
    if (other.name == name) return signal_id(other.number);
  return parse_real_time(name);
}

} // namespace sigkit
