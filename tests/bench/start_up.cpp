// What it costs to start each program for something that takes no time by itself.
#include <unistd.h>

#include "measure.hpp"

namespace bench {

namespace {

/// One of our programs, as it is installed.
candidate ours(const settings& how, const std::string& label, words command) {
  command.front().insert(0, how.shared + '/');
  return {label, std::move(command), true};
}

/// The same without shared objects.
candidate ours_static(const settings& how, const std::string& label, words command) {
  command.front().insert(0, how.statik + '/');
  return {label + ", static", std::move(command), true};
}

} // namespace

std::vector<group> measure_limits(const settings& how) {
  const std::string page = how.fixture("one_page");
  const words plain = {"sigtimeout", "10", page};
  const words tree = {"sigtimeout", "--tree", "10", page};
  const std::vector<candidate> candidates = {
      {"timeout", {find_tool("timeout"), "10", page}},
      ours(how, "sigtimeout", plain),
      ours(how, "sigtimeout --tree", tree),
      ours_static(how, "sigtimeout", plain),
      ours_static(how, "sigtimeout --tree", tree),
      {"busybox timeout", {find_tool("busybox"), "timeout", "10", page}},
      {"timelimit", {find_tool("timelimit"), "-q", "-t10", page}}};
  return {
      measure_processes(how, {"a time limit around a command of one page"}, candidates, how.runs)};
}

std::vector<group> measure_supervisors(const settings& how) {
  const std::string page = how.fixture("one_page");
  const std::vector<candidate> candidates = {
      {"tini -s", {find_tool("tini"), "-s", "--", page}},
      ours(how, "sigtrap", {"sigtrap", "--", page}),
      ours(how, "sigtrap --subreaper", {"sigtrap", "--subreaper", "--", page}),
      ours_static(how, "sigtrap", {"sigtrap", "--", page}),
      ours_static(how, "sigtrap --subreaper", {"sigtrap", "--subreaper", "--", page}),
      {"dumb-init", {find_tool("dumb-init"), page}}};
  return {measure_processes(how, {"supervising a command of one page"}, candidates, how.runs)};
}

std::vector<group> measure_dispositions(const settings& how) {
  const std::string page = how.fixture("one_page");
  const words ignoring = {"sigtrap", "--ignore", "INT", page};
  const std::vector<candidate> candidates = {
      {"env --ignore-signal", {find_tool("env"), "--ignore-signal=INT", page}},
      ours(how, "sigtrap --ignore", ignoring),
      ours_static(how, "sigtrap --ignore", ignoring)};
  return {measure_processes(how, {"ignoring a signal, then becoming a command of one page"},
                            candidates, how.runs)};
}

std::vector<group> measure_signals(const settings& how) {
  const std::string self = std::to_string(::getpid());
  const std::string kill = find_tool("kill");
  const std::vector<candidate> candidates = {
      {"kill -0", {kill, "-0", self}},
      ours(how, "sigsend -0", {"sigsend", "-0", self}),
      ours_static(how, "sigsend -0", {"sigsend", "-0", self}),
      {"kill -l TERM", {kill, "-l", "TERM"}},
      ours(how, "siglist TERM", {"siglist", "TERM"}),
      ours_static(how, "siglist TERM", {"siglist", "TERM"})};
  return {measure_processes(how, {"a signal to one process, and a signal's number"}, candidates,
                            how.runs)};
}

} // namespace bench
