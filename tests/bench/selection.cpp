// Programs that look at every process, while there are many.
#include <fmt/format.h>

#include "crowd.hpp"

namespace bench {

namespace {

group measure_selecting(const settings& how, int count) {
  const std::string name = "bench_sleepers";
  const std::string sigsend = how.shared + "/sigsend";
  const std::vector<candidate> candidates = {
      {"pkill -0 -x NAME", {find_tool("pkill"), "-0", "-x", name}},
      {"sigsend -0 -x --name NAME", {sigsend, "-0", "-x", "--name", name}, true},
      {"sigsend -0 NAME", {sigsend, "-0", name}, true}};
  return measure_processes(how, {fmt::format("signal 0 to {} processes by their name", count)},
                           candidates, how.rounds(50));
}

group measure_listing(const settings& how, int count) {
  const std::string siglist = how.shared + "/siglist";
  const std::vector<candidate> candidates = {
      {"ps -eo pid,...,caught", {find_tool("ps"), "-eo", "pid,user,comm,blocked,ignored,caught"}},
      {"siglist --find", {siglist, "--find"}, true},
      {"siglist --find --blocking TERM", {siglist, "--find", "--blocking", "TERM"}, true}};
  return measure_processes(how, {fmt::format("the signals of {} processes, listed", count)},
                           candidates, how.rounds(50));
}

} // namespace

std::vector<group> measure_selection(const settings& how) {
  const int count = how.is_short() ? 100 : 2000;
  const std::string forbidden = what_forbids(how, count);
  if (!forbidden.empty())
    return {{fmt::format("{} processes, selected and listed: {}", count, forbidden)}};
  const crowd all({how.fixture("bench_sleepers"), std::to_string(count)}, true);
  std::vector<group> groups;
  groups.push_back(measure_selecting(how, count));
  groups.push_back(measure_listing(how, count));
  end_group(all);
  return groups;
}

} // namespace bench
