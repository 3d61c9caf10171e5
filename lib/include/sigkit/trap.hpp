#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>

#include <sigkit/signal_id.hpp>
#include <sigkit/signal_info.hpp>
#include <sigkit/signal_set.hpp>

namespace sigkit {

/// What is done for a signal that came to a supervisor, or when its command has ended.
struct trap_action {
  enum class kind : unsigned char {
    forward, ///< the signal goes to the command, over the scope, as it came; at the end: nothing
    drop,    ///< nothing
    send,    ///< another signal goes to the command
    kill,    ///< KILL does
    leave,   ///< the command is ended by the ladder, KILL after 5 s being the last rung where none
             ///< is; supervise_result::status is `status` then
    run,     ///< supervise_events::run_action() is called, and what it starts is waited for
  };
  kind what = kind::forward;
  signal_id signal = signull; ///< kind::send
  int status = 0;             ///< kind::leave: 0 to 255

  bool operator==(const trap_action&) const = default;
};

/// One action, and when it is done. Those of one signal are done one after the other, in the order
/// of supervise_options::traps.
struct trap {
  signal_set signals;
  bool at_error = false; ///< when the command has ended, and not with the status 0
  bool at_exit = false;  ///< when it has ended, however; after those at_error
  trap_action action;
};

/// Why an action is done.
struct trap_occasion {
  enum class kind : unsigned char { signal, error, exit };
  kind why = kind::signal;
  signal_info info;          ///< kind::signal: what came
  std::size_t trap = 0;      ///< which of supervise_options::traps it is
  pid_t command = 0;         ///< its PID, also when it has ended
  std::optional<int> status; ///< when it has ended: as a shell's $?, after supervise_options::remap
};

} // namespace sigkit
