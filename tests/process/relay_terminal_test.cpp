#include <doctest/doctest.h>

#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "support/relayed.hpp"

using namespace test;

TEST_CASE("a relay passes on to a terminal, byte for byte") {
  check_passes(make_terminal(), some_mib / 5);
}

TEST_CASE("a relay passes on to a terminal that it cannot open anew, byte for byte") {
  check_passes(make_terminal(true), some_mib / 20);
}

TEST_CASE("a terminal whose output was stopped holds up nobody but the command") {
  const two_ends ends = make_terminal();
  require(::tcflow(ends.write.get(), TCOOFF) == 0, "tcflow");
  std::string text = "on\n";
  std::string early;
  std::string late;
  {
    relayed run(ends.write.get(), ends.write.get());
    run.start(writes(1, text));
    run.turn_until([&] { return run.passing.write_is_pending(); });
    take(ends.read, early);
    require(::tcflow(ends.write.get(), TCOON) == 0, "tcflow");
    run.finish(ends.read, late);
  }
  CHECK(early.empty());
  CHECK(late == text);
}

TEST_CASE("a terminal of its own passes on what is written to it, unchanged") {
  const two_ends ends = make_pipe();
  std::string text = "a\nb\n";
  SUBCASE("lines") {}
  SUBCASE("anything") {
    text = noise(some_mib / 5, 5);
  }
  const passed_on result = pass(ends, text, relay_by::terminal);
  CHECK(result.status == 0);
  CHECK((result.text == text));
  CHECK(result.flags_as_before);
}

TEST_CASE("a terminal stands for stdout, and for stderr only where that is one") {
  const two_ends pipe = make_pipe();
  const two_ends other = make_pipe();
  const two_ends real = make_terminal();
  const auto terminals_among = [](const relayed& run) {
    std::vector<int> numbers;
    for (const auto& [ours, number] : run.passing.for_command())
      if (::isatty(ours) == 1) numbers.push_back(number);
    return numbers;
  };
  std::array<std::vector<int>, 4> found;
  found[0] = terminals_among(relayed(pipe.write.get(), other.write.get(), relay_by::terminal));
  found[1] = terminals_among(relayed(pipe.write.get(), pipe.write.get(), relay_by::terminal));
  found[2] = terminals_among(relayed(pipe.write.get(), real.write.get(), relay_by::terminal));
  found[3] = terminals_among(relayed(real.write.get(), real.write.get(), relay_by::pipe));
  CHECK(found[0] == std::vector{1});
  CHECK(found[1] == std::vector{1, 2});
  CHECK(found[2] == std::vector{1, 2});
  CHECK(found[3].empty());
}

TEST_CASE("a terminal of its own has the modes and the size of the one it stands for") {
  const two_ends real = make_terminal();
  termios modes{};
  require(::tcgetattr(real.write.get(), &modes) == 0, "tcgetattr");
  modes.c_oflag |= OPOST | ONLCR;
  modes.c_lflag |= ECHO | ICANON;
  modes.c_cc[VINTR] = 7;
  require(::tcsetattr(real.write.get(), TCSANOW, &modes) == 0, "tcsetattr");
  termios given{};
  winsize before{};
  winsize after{};
  std::string read;
  int status = -1;
  {
    relayed run(real.write.get(), real.write.get(), relay_by::terminal);
    const int terminal = run.passing.for_command().at(0).first;
    ::tcgetattr(terminal, &given);
    ::ioctl(terminal, TIOCGWINSZ, &before);
    const winsize larger{44, 88, 0, 0};
    require(::ioctl(real.write.get(), TIOCSWINSZ, &larger) == 0, "TIOCSWINSZ");
    run.passing.copy_window_size();
    ::ioctl(terminal, TIOCGWINSZ, &after);
    const std::string text = "a\n";
    run.start(writes(1, text));
    status = run.finish(real.read, read);
  }
  CHECK(given.c_oflag == (modes.c_oflag & ~static_cast<tcflag_t>(OPOST)));
  CHECK(given.c_lflag == (modes.c_lflag & ~static_cast<tcflag_t>(ECHO)));
  CHECK(given.c_cc[VINTR] == 7);
  CHECK(before.ws_row == 33);
  CHECK(before.ws_col == 77);
  CHECK(after.ws_row == 44);
  CHECK(after.ws_col == 88);
  CHECK(status == 0);
  CHECK(read == "a\r\n"); // by the real one
}

TEST_CASE("a relay's terminal becomes nobody's controlling terminal") {
  const two_ends ends = make_pipe();
  const pid_t leader = ::fork();
  if (leader == 0) {
    ::setsid();
    const relayed run(ends.write.get(), -1, relay_by::terminal);
    ::_exit(::open("/dev/tty", O_RDWR) < 0 && errno == ENXIO ? 0 : 1);
  }
  int status = -1;
  ::waitpid(leader, &status, 0);
  CHECK(status == 0);
}
