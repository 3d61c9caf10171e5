// From a limit, at which a job is killed, until all its processes are gone.
#include <signal.h>
#include <sys/wait.h>

#include <fmt/format.h>

#include "crowd.hpp"

namespace bench {

namespace {

/// Nothing does it faster, and from nothing is it easier to escape.
double end_by_kill(const words& sleepers) {
  const crowd all(sleepers, true);
  const double before = now();
  end_group(all);
  return now() - before;
}

double end_by_limit(const words& command, int expected) {
  const crowd all(command, false);
  const double before = now();
  ::kill(all.pid(), SIGALRM); // as if the time were up
  const int status = wait_for(all.pid());
  all.wait_until_gone();
  const double after = now();
  if (status != expected << 8) refuse_status(command, status);
  return after - before;
}

/// The note of a scope that cannot be had here.
std::string why_not(const settings& how, const std::string& program, const std::string& scope) {
  const words command = {program, "--scope=" + scope, "10", how.fixture("one_page")};
  const int status = wait_for(start(command));
  if (status == 0) return {};
  if (status != 125 << 8) refuse_status(command, status);
  return "no " + scope + " here";
}

group measure_ending(const settings& how, int count, int rounds) {
  const std::string forbidden = what_forbids(how, count);
  const words sleepers = {how.fixture("bench_sleepers"), std::to_string(count)};
  std::vector<trial> trials;
  trials.push_back({{"kill(2) of their group, and wait", false, forbidden},
                    [=] { return end_by_kill(sleepers); }});
  const std::string program = how.shared + "/sigtimeout";
  const auto add = [&](const char* signal, const std::string& scope, int expected) {
    words command = {program, "-s", signal, "--scope=" + scope, "1000"};
    command.insert(command.end(), sleepers.begin(), sleepers.end());
    const std::string note = forbidden.empty() ? why_not(how, program, scope) : forbidden;
    trials.push_back({{fmt::format("-s {} --scope={}", signal, scope), true, note},
                      [=] { return end_by_limit(command, expected); }});
  };
  constexpr int killed = 137, timed_out = 124;
  for (const char* scope : {"group", "session", "tree", "cgroup", "namespace"})
    add("KILL", scope, killed);
  add("TERM", "tree", timed_out);
  group about{fmt::format("ending {} sleeping processes: sigtimeout", count)};
  about.charted = count == 1000;
  return measure(std::move(about), std::move(trials), rounds, 1);
}

} // namespace

std::vector<group> measure_endings(const settings& how) {
  std::vector<group> groups;
  groups.push_back(measure_ending(how, 10, how.rounds(20)));
  groups.push_back(measure_ending(how, 100, how.rounds(20)));
  if (how.is_short()) return groups;
  groups.push_back(measure_ending(how, 1000, how.rounds(7)));
  groups.push_back(measure_ending(how, 5000, how.rounds(3)));
  return groups;
}

} // namespace bench
