#include <sigkit/disposition.hpp>

#include <cerrno>
#include <csignal>

#include "failure.hpp"

namespace sigkit {

namespace {

void set_plain(signal_id signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  if (::sigaction(signal.number(), &action, nullptr) != 0)
    fail(errno, "sigaction(2) of signal " + signal.name());
}

} // namespace

disposition get_disposition(signal_id signal) {
  struct sigaction action {};
  if (::sigaction(signal.number(), nullptr, &action) != 0)
    fail(errno, "sigaction(2) of signal " + signal.name());
  if (action.sa_handler == SIG_DFL) return disposition::by_default;
  if (action.sa_handler == SIG_IGN) return disposition::ignored;
  return disposition::caught;
}

void set_default(signal_id signal) { set_plain(signal, SIG_DFL); }
void set_ignored(signal_id signal) { set_plain(signal, SIG_IGN); }

} // namespace sigkit
