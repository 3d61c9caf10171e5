#include "measure.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include <fmt/format.h>

namespace bench {

namespace {

double run_once(const words& command) {
  const double before = now();
  const int status = wait_for(start(command));
  const double after = now();
  if (status != 0) refuse_status(command, status);
  return after - before;
}

weight weigh_once(const settings& how, const words& command) {
  words weighing = {how.fixture("weigh")};
  weighing.insert(weighing.end(), command.begin(), command.end());
  channel said;
  start_options options;
  options.third = said.writing.get();
  const pid_t child = start(weighing, options);
  said.writing.close();
  const std::string text = read_some(said.reading);
  const int status = wait_for(child);
  weight result;
  int command_status = 0;
  if (status != 0 ||
      std::sscanf(text.c_str(), "%ld %ld %d", &result.faults, &result.kib, &command_status) != 3)
    refuse_status(weighing, status);
  if (command_status != 0) refuse_status(command, command_status);
  return result;
}

/// The medians of some runs, which are not timed.
weight weigh(const settings& how, const words& command) {
  std::vector<double> faults, kib;
  for (int i = 0; i < (how.is_short() ? 1 : 9); ++i) {
    const weight one = weigh_once(how, command);
    faults.push_back(static_cast<double>(one.faults));
    kib.push_back(static_cast<double>(one.kib));
  }
  return {static_cast<long>(quartiles_of(faults).median),
          static_cast<long>(quartiles_of(kib).median)};
}

/// A tool of others may be one that does not know the command.
void weigh_into(row& about, const settings& how, const words& command) try {
  about.weighed = weigh(how, command);
} catch (const std::runtime_error& failed) {
  if (about.ours) throw;
  about.note = failed.what();
}

} // namespace

int settings::rounds(int of_500) const noexcept {
  return std::max(of_500 * runs / 500, std::min(runs, 3));
}

std::string settings::fixture(const std::string& name) const {
  return fixtures + '/' + name;
}

std::string find_tool(const std::string& name) {
  for (const char* folder : {"/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/", "/usr/local/bin/"})
    if (::access((folder + name).c_str(), X_OK) == 0) return folder + name;
  return {};
}

std::string note_of(const words& command) {
  return command.front().empty() ? "not installed" : "";
}

group measure(group about, std::vector<trial> trials, int rounds, int warm_up) {
  fmt::print(stderr, "bench: {}\n", about.title);
  for (int round = -warm_up; round < rounds; ++round) {
    for (trial& each : trials) {
      if (!each.about.note.empty() || round >= each.most_rounds) continue;
      if (round < 0 && each.most_rounds < rounds) continue;
      const double value = each.once();
      if (round >= 0) each.about.values.push_back(value);
    }
  }
  for (trial& each : trials)
    about.rows.push_back(std::move(each.about));
  return about;
}

group measure_processes(const settings& how, group about, const std::vector<candidate>& candidates,
                        int rounds) {
  std::vector<trial> trials;
  for (const candidate& each : candidates) {
    row about_it{each.what, each.ours, note_of(each.command)};
    if (about_it.note.empty()) weigh_into(about_it, how, each.command);
    // The second of two: what ran before has taken its place in the processor's caches.
    trials.push_back({std::move(about_it), [&each] {
                        run_once(each.command);
                        return run_once(each.command);
                      }});
  }
  return measure(std::move(about), std::move(trials), rounds, std::min(rounds, 5));
}

} // namespace bench
