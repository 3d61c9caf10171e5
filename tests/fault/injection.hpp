// One fault after the other in what a program asks of the kernel, by strace(1).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "support/child.hpp"

namespace test {

/// A run of a program that each fault is tried on.
struct fault_job {
  std::vector<std::string> words; ///< the program, by its path, and its arguments
  /// What is wrong, where the program says that it has done what it was to do; empty if nothing.
  std::function<std::string(const run_result&)> complaint;
  std::shared_ptr<void> keeps = nullptr; ///< what has to live as long as the run
  /// What else is left behind, afterwards; empty if nothing.
  std::function<std::string()> left_behind = [] { return std::string(); };
  std::size_t kept = 0; ///< how many marked processes that is, and no more may be left
};

/// Makes a job anew. What it starts has to have `marked` in its environment.
using job_maker = std::function<fault_job(const run_options& marked)>;

/// Whose calls fail.
enum class faults_in : unsigned char {
  program,
  child, ///< what it has forked, until that executes COMMAND
  all,   ///< every process
};

struct fault_figures {
  std::size_t calls = 0; ///< that are made when nothing fails
  std::size_t injections = 0;
  std::size_t tolerated = 0; ///< the run ended as without it
  std::size_t failed = 0;    ///< the run failed, and said so
  std::vector<std::string> findings;
};

/// Why nothing can be injected here; empty if it can.
std::string why_no_faults();

/// Makes each call fail once, in a run for each error that it may give, and looks whether the
/// program ends, leaves nothing behind, and either has done what it was to do or says why not.
/// SIGKIT_FAULTS says how much is tried: some of it, "many" or "all".
fault_figures inject_everywhere(const job_maker& make, faults_in where);

/// The same with calls that always fail so: "pidfd_open:error=ENOSYS".
fault_figures inject_always(const job_maker& make, const std::vector<std::string>& faults);

} // namespace test
