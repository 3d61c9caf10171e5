#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "support/relayed.hpp"

using namespace test;

namespace {

/// Files grow no further than this while it lives, and SIGXFSZ is ignored from then on.
class file_size_limit {
public:
  explicit file_size_limit(rlim_t most) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{most, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  file_size_limit(const file_size_limit&) = delete;
  file_size_limit& operator=(const file_size_limit&) = delete;
  ~file_size_limit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

private:
  rlimit before_{};
};

} // namespace

TEST_CASE("a relay passes on to a pipe, byte for byte") {
  check_passes(make_pipe(), some_mib);
}

TEST_CASE("a relay passes on to a socket, byte for byte") {
  check_passes(make_sockets(), some_mib);
}

TEST_CASE("a relay passes on to files, also those that are appended to, each to its own place") {
  const temporary_directory directory;
  const std::string out_path = directory.path() + "/out";
  const std::string err_path = directory.path() + "/err";
  const std::string out = noise(some_mib, 3);
  const std::string err = noise(some_mib, 4);
  std::ofstream(err_path) << "before ";
  int status = -1;
  bool flags_as_before = false;
  {
    const unique_fd out_file = open_file(out_path);
    const unique_fd err_file = open_file(err_path, O_APPEND);
    relayed run(out_file.get(), err_file.get());
    run.start([&] { return write_all(1, out) && write_all(2, err) ? 0 : 1; });
    status = run.finish();
    flags_as_before = run.flags_are_as_before();
  }
  CHECK(status == 0);
  CHECK(flags_as_before);
  CHECK((contents(out_path) == out));
  CHECK((contents(err_path) == "before " + err));
}

TEST_CASE("stdout and stderr that are one place keep their order") {
  const temporary_directory directory;
  const std::string path = directory.path() + "/fifo";
  two_ends ends = make_pipe();
  unique_fd other(::fcntl(ends.write.get(), F_DUPFD_CLOEXEC, 3));
  SUBCASE("an open file") {}
  SUBCASE("a socket") {
    ends = make_sockets();
    other.reset(::dup(ends.write.get()));
  }
  SUBCASE("a named pipe that was opened twice") {
    require(::mkfifo(path.c_str(), 0600) == 0, "mkfifo");
    ends.read.reset(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    ends.write = open_file(path);
    other = open_file(path);
  }
  SUBCASE("a terminal that was opened twice") {
    ends = make_terminal();
    other.reset(::open(::ttyname(ends.write.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  }
  std::string expected;
  for (int i = 0; i < 20000; ++i)
    expected += std::to_string(i) + '\n';
  std::string read;
  std::vector<std::pair<int, int>> given;
  {
    relayed run(ends.write.get(), other.get());
    given = run.passing.for_command();
    run.start([&] {
      for (int i = 0; i < 20000; ++i)
        if (!write_all(1 + i % 2, std::to_string(i) + '\n')) return 1;
      return 0;
    });
    run.finish(ends.read, read);
  }
  REQUIRE(given.size() == 2);
  CHECK(given[0].first == given[1].first);
  CHECK(given[1].second == 2);
  CHECK((read == expected));
}

TEST_CASE("stdout and stderr that are two files of one kind are kept apart") {
  const temporary_directory directory;
  std::vector<std::pair<int, int>> given;
  {
    const unique_fd out = open_file(directory.path() + "/out");
    const unique_fd err = open_file(directory.path() + "/err");
    given = relayed(out.get(), err.get()).passing.for_command();
  }
  REQUIRE(given.size() == 2);
  CHECK(given[0].first != given[1].first);
}

TEST_CASE("a reader that stops holds up nobody but the command") {
  SUBCASE("a pipe") {
    check_slow_reader(make_pipe(), some_mib);
  }
  SUBCASE("a socket") {
    check_slow_reader(make_sockets(), some_mib);
  }
  SUBCASE("a terminal") {
    check_slow_reader(make_terminal(), some_mib / 2);
  }
  SUBCASE("a terminal that is not opened anew") {
    check_slow_reader(make_terminal(true), some_mib / 10);
  }
}

TEST_CASE("where the reader has gone, the command gets SIGPIPE") {
  SUBCASE("a pipe") {
    check_lost_reader(make_pipe(), false);
  }
  SUBCASE("a pipe, before the command writes") {
    check_lost_reader(make_pipe(), true);
  }
  SUBCASE("a socket") {
    check_lost_reader(make_sockets(), false);
  }
  SUBCASE("a socket, before the command writes") {
    check_lost_reader(make_sockets(), true);
  }
  SUBCASE("a terminal") {
    check_lost_reader(make_terminal(), false);
  }
  SUBCASE("a terminal, before the command writes") {
    check_lost_reader(make_terminal(), true);
  }
}

TEST_CASE("a write that fails is told, and the command gets SIGPIPE") {
  const temporary_directory directory;
  unique_fd file = open_file("/dev/full");
  int expected = ENOSPC;
  SUBCASE("a full disk") {}
  SUBCASE("a file that must not grow") {
    file = open_file(directory.path() + "/out");
    expected = EFBIG;
  }
  int status = -1;
  int error = -1;
  {
    const file_size_limit limit(100000);
    relayed run(file.get(), -1);
    run.start([]() -> int { write_for_ever(); });
    status = run.finish();
    error = run.passing.first_error();
  }
  CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE));
  CHECK(error == expected);
}

TEST_CASE("a command that writes for ever does not keep the loop") {
  const temporary_directory directory;
  const std::string path = directory.path() + "/out";
  constexpr rlim_t much = rlim_t{64} << 20;
  constexpr off_t enough = off_t{5} << 20;
  std::ofstream(directory.path() + "/in") << noise(std::size_t{1} << 20, 6);
  off_t most = 0;
  {
    const unique_fd in(::open((directory.path() + "/in").c_str(), O_RDONLY | O_CLOEXEC));
    // Written to, where the command splices: so the command is always ahead.
    const unique_fd out = open_file(path, O_APPEND);
    const file_size_limit limit(much);
    relayed run(out.get(), -1);
    run.start([&] {
      for (loff_t start = 0; ::splice(in.get(), &start, 1, nullptr, some_mib, 0) > 0; start = 0)
        continue;
      return 1;
    });
    off_t before = 0;
    for (int times = 0; times < 8; ++times) {
      run.turn_until_written();
      const off_t now = ::lseek(out.get(), 0, SEEK_END);
      most = std::max(most, now - std::exchange(before, now));
    }
  }
  CHECK(most > 0);
  CHECK(most <= enough);
}

TEST_CASE("a relay tells whether the command has written since it was asked last") {
  const two_ends ends = make_pipe();
  const two_ends go = make_pipe();
  relay_by how = relay_by::pipe;
  SUBCASE("to a pipe") {}
  SUBCASE("to a terminal") {
    how = relay_by::terminal;
  }
  std::array<bool, 3> told{true, true, true};
  std::string read;
  bool pending = true;
  {
    relayed run(ends.write.get(), -1, how);
    told[0] = run.passing.pump();
    run.start([&] {
      char byte = 0;
      while (::read(go.read.get(), &byte, 1) == 1 && byte != 'e')
        if (::write(1, &byte, 1) != 1) return 1;
      return 0;
    });
    told[1] = run.passing.pump();
    require(::write(go.write.get(), "w", 1) == 1, "write");
    run.turn_until_written();
    told[2] = run.passing.pump();
    require(::write(go.write.get(), "we", 2) == 2, "write");
    run.turn_until_written();
    pending = run.passing.write_is_pending();
    run.finish(ends.read, read);
  }
  CHECK(told == std::array<bool, 3>{false, false, false});
  CHECK_FALSE(pending);
  CHECK(read == "ww");
}

TEST_CASE("what the command left behind gets a broken pipe when the relay is closed") {
  const two_ends ends = make_pipe();
  const two_ends go = make_pipe();
  two_ends said = make_pipe();
  std::string read;
  bool had_writers = false;
  bool was_drained = false;
  {
    relayed run(ends.write.get(), -1);
    run.start([&] {
      if (::fork() != 0) return 0;
      char byte = 0;
      write_all(1, "left behind\n");
      if (::read(go.read.get(), &byte, 1) != 1) return 1;
      ::signal(SIGPIPE, SIG_IGN);
      const bool broken = ::write(1, "more\n", 5) < 0 && errno == EPIPE;
      write_all(said.write.get(), broken ? "broken" : "written");
      return 0;
    });
    run.turn_until([&] {
      take(ends.read, read);
      return run.ended() && !read.empty();
    });
    had_writers = run.passing.has_writers();
    was_drained = run.passing.is_drained();
    run.passing.close_sources();
    require(::write(go.write.get(), "g", 1) == 1, "write");
    said.write.reset();
    std::string word;
    require(eventually([&] {
              take(said.read, word);
              return !word.empty();
            }),
            "the one left behind says nothing");
    read += word;
  }
  CHECK(had_writers);
  CHECK(was_drained);
  CHECK(read == "left behind\nbroken");
}

TEST_CASE("descriptors that are not written to are left alone") {
  const unique_fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const two_ends ends = make_pipe();
  std::vector<std::pair<int, int>> out_only;
  std::vector<std::pair<int, int>> err_only;
  std::size_t neither = 9;
  bool finished = false;
  {
    out_only = relayed(ends.write.get(), -1).passing.for_command();
    err_only = relayed(null.get(), ends.write.get()).passing.for_command();
    relayed run(-1, -1, relay_by::terminal);
    neither = run.passing.for_command().size();
    finished = run.passing.is_drained() && !run.passing.has_writers() && !run.passing.pump();
  }
  REQUIRE(out_only.size() == 1);
  CHECK(out_only[0].second == 1);
  REQUIRE(err_only.size() == 1);
  CHECK(err_only[0].second == 2);
  CHECK(neither == 0);
  CHECK(finished);
}

TEST_CASE("what the command gets does not collide with its standard descriptors") {
  const two_ends ends = make_pipe();
  const unique_fd saved(::fcntl(0, F_DUPFD_CLOEXEC, 20));
  relay_by how = relay_by::pipe;
  SUBCASE("pipes") {}
  SUBCASE("a terminal") {
    how = relay_by::terminal;
  }
  std::vector<std::pair<int, int>> given;
  bool stdin_is_closed = false;
  {
    ::close(0);
    const relayed run(ends.write.get(), -1, how);
    given = run.passing.for_command();
    stdin_is_closed = ::fcntl(0, F_GETFD) < 0;
  }
  ::dup2(saved.get(), 0);
  REQUIRE(given.size() == 1);
  CHECK(given[0].first > 2);
  CHECK(stdin_is_closed);
}
