// How long after its time the signal of a time limit comes.
#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include "measure.hpp"

namespace bench {

namespace {

/// A limit, and the exit status where it is reached.
struct limited {
  words command;
  double limit; ///< seconds
  int status = 0;
};

double lateness_of(const limited& what) {
  channel said;
  start_options options;
  options.third = said.writing.get();
  const double before = now();
  const pid_t child = start(what.command, options);
  said.writing.close();
  const int status = wait_for(child);
  if (status != what.status << 8) refuse_status(what.command, status);
  long long arrival = 0;
  if (std::sscanf(read_some(said.reading).c_str(), "%lld", &arrival) != 1)
    throw std::runtime_error(what.command.front() + ": no signal came");
  return static_cast<double>(arrival) * 1e-9 - before - what.limit;
}

trial trial_of(row about, limited what) {
  if (about.note.empty()) about.note = note_of(what.command);
  return {std::move(about), [what = std::move(what)] { return lateness_of(what); }};
}

} // namespace

std::vector<group> measure_lateness(const settings& how) {
  const std::string late = how.fixture("latecomer");
  const std::string shared = how.shared + "/sigtimeout", statik = how.statik + "/sigtimeout";
  std::vector<trial> trials = {
      trial_of({"timeout"}, {{find_tool("timeout"), "0.1", late, "3"}, 0.1, 124}),
      trial_of({"sigtimeout", true}, {{shared, "0.1", late, "3"}, 0.1, 124}),
      trial_of({"sigtimeout --tree", true}, {{shared, "--tree", "0.1", late, "3"}, 0.1, 124}),
      trial_of({"sigtimeout, static", true}, {{statik, "0.1", late, "3"}, 0.1, 124}),
      trial_of({"timelimit"}, {{find_tool("timelimit"), "-q", "-t0.1", late, "3"}, 0.1}),
      trial_of({"busybox timeout, of 1 s"},
               {{find_tool("busybox"), "timeout", "1", late, "3"}, 1})};
  trials.back().most_rounds = how.is_short() ? 1 : 5;
  group about{"how late the signal of a time limit of 0.1 s comes", quantity::lateness, false};
  return {measure(std::move(about), std::move(trials), how.rounds(100), 1)};
}

} // namespace bench
