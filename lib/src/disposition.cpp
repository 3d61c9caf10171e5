#include <sigkit/disposition.hpp>

#include <cerrno>
#include <csignal>

#include "failure.hpp"
#include "notes.hpp"

namespace sigkit {

namespace {

void set_plain(signal_id signal, void (*handler)(int)) {
  notes::settle_interruption();
  struct sigaction action {};
  action.sa_handler = handler;
  if (::sigaction(signal.number(), &action, nullptr) != 0)
    fail(errno, "sigaction(2) of signal " + signal.name());
}

} // namespace

disposition detail::get_disposition(failure& why, signal_id signal) noexcept {
  return at_border(why, [&] {
    struct sigaction action {};
    if (::sigaction(signal.number(), nullptr, &action) != 0)
      fail(errno, "sigaction(2) of signal " + signal.name());
    if (action.sa_handler == SIG_DFL) return disposition::by_default;
    if (action.sa_handler == SIG_IGN) return disposition::ignored;
    return disposition::caught;
  });
}

void detail::set_default(failure& why, signal_id signal) noexcept {
  at_border(why, [&] { set_plain(signal, SIG_DFL); });
}

void detail::set_ignored(failure& why, signal_id signal) noexcept {
  at_border(why, [&] { set_plain(signal, SIG_IGN); });
}

} // namespace sigkit
