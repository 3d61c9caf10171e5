// Output that goes through another process, against output that does not.
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "measure.hpp"

namespace bench {

namespace {

constexpr std::size_t buffer_size = 1 << 20;
constexpr double gib = 1 << 30;

std::size_t read_into(std::vector<char>& buffer, const descriptor& from) {
  const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
  if (got < 0) throw std::system_error(errno, std::generic_category(), "read");
  if (got == 0) throw std::runtime_error("the output ends too early");
  return static_cast<std::size_t>(got);
}

/// From the first byte on, so that the start does not count.
double throughput_of(const words& command, std::size_t amount) {
  channel output;
  start_options options;
  options.output = output.writing.get();
  const pid_t child = start(command, options);
  output.writing.close();
  std::vector<char> buffer(buffer_size);
  read_into(buffer, output.reading);
  const double before = now();
  std::size_t total = 0;
  while (total < amount)
    total += read_into(buffer, output.reading);
  const double after = now();
  output.reading.close();
  ::kill(child, SIGTERM); // where it does not end by the closed pipe already
  wait_for(child);
  return static_cast<double>(total) / gib / (after - before);
}

} // namespace

std::vector<group> measure_passing(const settings& how) {
  const std::size_t amount = how.is_short() ? 8 << 20 : 1 << 30;
  const std::string yes = find_tool("yes");
  const auto trial_of = [=](const char* what, const words& command, bool ours) {
    return trial{{what, ours, yes.empty() ? "not installed" : ""},
                 [=] { return throughput_of(command, amount); }};
  };
  std::vector<trial> trials = {trial_of("yes", {yes}, false),
                               trial_of("sigtimeout --idle 10s 60 yes",
                                        {how.shared + "/sigtimeout", "--idle", "10s", "60", yes},
                                        true),
                               trial_of("yes | cat", {"/bin/sh", "-c", "yes | cat"}, false)};
  group about{"output that is watched, through a pipe: more is better", quantity::throughput};
  return {measure(std::move(about), std::move(trials), how.rounds(10), 1)};
}

} // namespace bench
