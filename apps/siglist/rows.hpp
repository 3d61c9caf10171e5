#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

#include <sigkit/disposition.hpp>
#include <sigkit/process_signals.hpp>

namespace sigkit::apps {

/// What a process, or one of its threads, does with one signal.
struct signal_row {
  signal_id signal;
  disposition how = disposition::by_default;
  std::size_t blocking = 0; ///< by how many threads it is blocked
  std::size_t threads = 1;  ///< of how many
  bool pending = false;     ///< to the process
  std::size_t pending_threads = 0;
  bool awaited = false; ///< by a thread in sigwait(3)
  reaction outcome;
};

/// Not at its default, blocked, pending, or waited for.
bool is_unusual(const signal_row& row);

/// The rows of a process as a whole, or of one of its threads.
struct signal_section {
  pid_t thread = 0; ///< 0: the process
  std::string name;
  char state = '?';
  std::vector<signal_row> rows;
};

/// The section of the process, and where `threads` is set one for each thread. A row for each
/// signal, or where `every` is not set for those that are not at their default, unblocked and not
/// pending.
std::vector<signal_section> sections_of(const process_signals& process, bool every, bool threads);

/// Of its first thread that lives.
char state_of(const process_signals& process);

// The words of the columns.

const char* word_of(disposition how);
/// "blocked", or by how many threads: "2/5"; empty where by none.
std::string blocked_word(const signal_row& row);
/// "process", "thread", "process,thread"; empty where it is not pending.
std::string pending_word(const signal_row& row);
/// A column of --plain, which is never empty.
std::string dash_for_none(const std::string& word);
/// Number, name, disposition, blocked, pending and outcome, separated by tabs; "-" where empty.
std::string plain_columns(const signal_row& row);

} // namespace sigkit::apps
