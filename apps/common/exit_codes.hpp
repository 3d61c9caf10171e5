#pragma once

namespace sigkit::apps {

/// Every exit status of the four programs that is not a command's own.
enum exit_code : int {
  success = 0,
  failure = 1,            ///< sigsend, siglist: nothing done; something asked for does not exist
  siglist_usage = 2,      ///< siglist: wrong usage
  some_done = 64,         ///< sigsend: some targets were signalled, some not
  timed_out = 124,        ///< a limit was reached
  supervise_failed = 125, ///< sigtimeout, sigtrap: they themselves failed, wrong usage included
  cannot_run = 126,       ///< the command was found and cannot be executed
  not_found = 127,        ///< the command was not found
  killed = 137,           ///< the command was ended by KILL after a limit
};

} // namespace sigkit::apps
