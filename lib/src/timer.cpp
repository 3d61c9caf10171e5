#include <sigkit/timer.hpp>

#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <string>

#include "failure.hpp"

namespace sigkit {

namespace {

using std::chrono::ceil;
using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::seconds;

struct known_timer {
  int number;
  const char* name;
};

/// Where it is none, -1, which the kernel refuses.
known_timer known(itimer which) noexcept {
  switch (which) {
  case itimer::real: return {ITIMER_REAL, "ITIMER_REAL"};
  case itimer::virtual_time: return {ITIMER_VIRTUAL, "ITIMER_VIRTUAL"};
  case itimer::profiling: return {ITIMER_PROF, "ITIMER_PROF"};
  }
  return {-1, "a timer that is none"};
}

/// The kernel's timers of processor time go wrong near the end of time, some 292 years.
constexpr duration longest = std::chrono::hours(24 * 365 * 100);

timeval to_timeval(duration length) noexcept {
  length = std::min(length, longest);
  const auto whole = duration_cast<seconds>(length);
  const auto rest = ceil<microseconds>(length - whole);
  if (rest == seconds(1)) return {static_cast<time_t>((whole + seconds(1)).count()), 0};
  return {static_cast<time_t>(whole.count()), static_cast<suseconds_t>(rest.count())};
}

duration to_duration(timeval time) noexcept {
  return seconds(time.tv_sec) + microseconds(time.tv_usec);
}

itimer_value to_value(const itimerval& value) noexcept {
  return {to_duration(value.it_value), to_duration(value.it_interval)};
}

} // namespace

itimer_value detail::setitimer(failure& why, itimer which, duration delay,
                               duration interval) noexcept {
  return at_border(why, [&] {
    const known_timer timer = known(which);
    const std::string operation = std::string("setitimer(2) of ") + timer.name;
    if (delay < duration::zero() || interval < duration::zero())
      fail(EINVAL, operation + " with a negative time");
    const itimerval wanted{to_timeval(interval), to_timeval(delay)};
    itimerval previous{};
    if (::setitimer(static_cast<__itimer_which>(timer.number), &wanted, &previous) != 0)
      fail(errno, operation);
    return to_value(previous);
  });
}

itimer_value detail::getitimer(failure& why, itimer which) noexcept {
  return at_border(why, [&] {
    const known_timer timer = known(which);
    itimerval value{};
    if (::getitimer(static_cast<__itimer_which>(timer.number), &value) != 0)
      fail(errno, std::string("getitimer(2) of ") + timer.name);
    return to_value(value);
  });
}

seconds detail::alarm(failure& why, seconds after) noexcept {
  return at_border(why, [&] {
    if (after < seconds(0) || after > seconds(INT_MAX))
      fail(EINVAL, "alarm(2) of " + std::to_string(after.count()) + " s");
    return seconds(::alarm(static_cast<unsigned>(after.count())));
  });
}

} // namespace sigkit
