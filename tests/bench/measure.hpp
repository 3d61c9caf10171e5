#pragma once

#include <functional>
#include <string>
#include <vector>

#include "process.hpp"
#include "results.hpp"

namespace bench {

/// How often, and with what.
struct settings {
  int runs = 500;
  std::string shared;   ///< the folder of our programs
  std::string statik;   ///< and of those that need no shared object
  std::string fixtures; ///< one_page and the others

  /// A short run shows that everything works, and no more.
  [[nodiscard]] bool is_short() const noexcept { return runs < 50; }

  /// How often something is done that is done so often where the runs are 500.
  [[nodiscard]] int rounds(int of_500) const noexcept;

  [[nodiscard]] std::string fixture(const std::string& name) const;
};

/// One of the things that are compared, and how it is measured once.
struct trial {
  row about;
  std::function<double()> once;
  int most_rounds = 1'000'000; ///< for what takes long
};

/// Measures all of them once, then all of them again, and so on: a machine that grows slower does
/// so for all.
group measure(group about, std::vector<trial> trials, int rounds, int warm_up);

/// A whole process, from before it is made until it has been waited for.
struct candidate {
  std::string what;
  words command;
  bool ours = false;
};
group measure_processes(const settings& how, group about, const std::vector<candidate>& candidates,
                        int rounds);

/// Where a program of the system is; empty where it is not.
std::string find_tool(const std::string& name);

/// The note of a row whose program is missing.
std::string note_of(const words& command);

// The groups; each measures what its name says.
std::vector<group> measure_limits(const settings& how);
std::vector<group> measure_supervisors(const settings& how);
std::vector<group> measure_dispositions(const settings& how);
std::vector<group> measure_signals(const settings& how);
std::vector<group> measure_lateness(const settings& how);
std::vector<group> measure_endings(const settings& how);
std::vector<group> measure_passing(const settings& how);
std::vector<group> measure_selection(const settings& how);

} // namespace bench
