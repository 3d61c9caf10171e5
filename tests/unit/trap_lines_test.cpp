#include <doctest/doctest.h>

#include "trap_lines.hpp"

using namespace sigkit;

namespace {

trap_entry entry_of(signal_id signal) {
  trap_entry entry;
  entry.why.info.signal = signal;
  return entry;
}

/// The traps that an entry has, in the order in which it has them.
std::vector<std::size_t> all_of(const trap_lines& lines, trap_entry entry) {
  std::vector<std::size_t> result;
  for (; lines.next(entry) != nullptr; ++entry.next_trap)
    result.push_back(entry.why.trap);
  return result;
}

} // namespace

TEST_CASE("an entry has the traps of its signal, or of the end, in their order") {
  const std::vector<trap> traps{{.signals = {sigterm, sighup}, .at_exit = true, .action = {}},
                                {.signals = {sigusr1}, .action = {}},
                                {.signals = {}, .at_error = true, .action = {}},
                                {.signals = {sigterm}, .at_error = true, .action = {}}};
  const trap_lines lines(traps);
  CHECK(lines.trapped() == signal_set{sigterm, sighup, sigusr1});
  CHECK(all_of(lines, entry_of(sigterm)) == std::vector<std::size_t>{0, 3});
  CHECK(all_of(lines, entry_of(sigusr1)) == std::vector<std::size_t>{1});
  trap_entry end = entry_of(signull);
  end.why.why = trap_occasion::kind::error;
  CHECK(all_of(lines, end) == std::vector<std::size_t>{2, 3});
  end.why.why = trap_occasion::kind::exit;
  CHECK(all_of(lines, end) == std::vector<std::size_t>{0});
}

TEST_CASE("a signal without a trap is forwarded, once") {
  const std::vector<trap> traps{
      {.signals = {sigterm}, .action = {.what = trap_action::kind::drop}}};
  const trap_lines lines(traps);
  trap_entry entry = entry_of(sighup);
  const trap* const first = lines.next(entry);
  REQUIRE(first != nullptr);
  CHECK(first->action.what == trap_action::kind::forward);
  ++entry.next_trap;
  CHECK(lines.next(entry) == nullptr);
}

TEST_CASE("what waits is given up, but not the end, nor what an action runs for") {
  const std::vector<trap> traps;
  trap_lines lines(traps);
  CHECK(lines.none_waits());
  for (int i = 0; i < 3; ++i) {
    lines.add(entry_of(sigusr1));
    lines.add(entry_of(sigusr2));
  }
  lines.add(entry_of(signull));
  lines.lines().at(SIGUSR2).running.emplace(4711, unique_fd());
  lines.lines().at(SIGUSR2).entries.front().next_trap = 1; // the only one that it has
  CHECK(lines.running_as(4711) == &lines.lines().at(SIGUSR2));
  CHECK(lines.running_as(4712) == nullptr);
  CHECK_FALSE(lines.none_runs());
  CHECK(lines.give_up_waiting() == 5);
  CHECK(lines.lines().at(SIGUSR1).entries.empty());
  CHECK(lines.lines().at(SIGUSR2).entries.size() == 1);
  CHECK(lines.lines().at(0).entries.size() == 1);
}
