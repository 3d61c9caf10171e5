#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include <sigkit/error.hpp>
#include <sigkit/pidfd.hpp>
#include <sigkit/send.hpp>

#include "support/child.hpp"

using namespace sigkit;
using namespace std::chrono_literals;

TEST_CASE("a pidfd signals its process and tells when that has ended") {
  test::child probe({test::program("probe"), "catch", "USR2:7"});
  probe.wait_for_line("ready");
  const auto held = pidfd::open(probe.pid());
  REQUIRE(held);
  CHECK_FALSE(held->wait(0s));
  CHECK(held->send(signull) == delivery::sent);
  CHECK(held->send(sigusr1) == delivery::sent);
  probe.wait_for_line("got USR1");
  CHECK(held->send(sigusr2) == delivery::sent);
  CHECK(held->wait(10s));
  CHECK(probe.finish() == exit_status::exited(7));
  CHECK(held->send(signull) == delivery::gone);
  CHECK(held->send(sigkill) == delivery::gone);
}

TEST_CASE("a PID that nobody has is no process") {
  CHECK_FALSE(pidfd::open(0x3fffff));
  CHECK(send(0x3fffff, signull) == delivery::gone);
  CHECK_THROWS_AS(pidfd::open(0), error);
  CHECK_THROWS_AS(pidfd::open(-5), error);
}

TEST_CASE("a thread that leads no process is none") {
  std::atomic<pid_t> thread = 0;
  std::atomic<bool> over = false;
  std::thread other([&] {
    thread = ::gettid();
    test::eventually([&] { return over.load(); });
  });
  CHECK(test::eventually([&] { return thread != 0; }));
  try {
    static_cast<void>(pidfd::open(thread));
    FAIL("accepted");
  } catch (const error& refused) {
    CHECK(refused.code() == std::errc::invalid_argument);
  }
  over = true;
  other.join();
}

TEST_CASE("a signal that is none is refused with what was tried on whom") {
  const auto self = pidfd::open(::getpid());
  REQUIRE(self);
  try {
    self->send(signal_id(65));
    FAIL("accepted");
  } catch (const error& refused) {
    CHECK(refused.code() == std::errc::invalid_argument);
    const std::string text = refused.what();
    CHECK(text.find("pidfd_send_signal(2) of 65 to process " + std::to_string(::getpid())) == 0);
  }
}

TEST_CASE("a group is signalled whole and never by accident everyone") {
  test::child probe({test::program("probe"), "catch", "USR2:3"},
                    {.environment = {}, .before_exec = [] { ::setpgid(0, 0); }, .argv0 = {}});
  probe.wait_for_line("ready");
  CHECK(send_group(probe.pid(), sigusr1) == delivery::sent);
  probe.wait_for_line("got USR1");
  CHECK(send_group(probe.pid(), sigusr2) == delivery::sent);
  CHECK(probe.finish() == exit_status::exited(3));
  CHECK(send_group(probe.pid(), sigusr2) == delivery::gone);
  CHECK_THROWS_AS(send_group(1, signull), error);
  CHECK_THROWS_AS(send_group(-3, signull), error);
  CHECK_THROWS_AS(send(-1, signull), error);
  CHECK_THROWS_AS(send(0, signull), error);
}

TEST_CASE("what may not be signalled is said") {
  if (::geteuid() != 0) SKIP("only root can become another user");
  test::child probe({test::program("probe"), "catch", "USR2:0"});
  probe.wait_for_line("ready");
  const pid_t other = ::fork();
  if (other == 0) {
    if (::setuid(65534) != 0) ::_exit(2);
    const auto held = pidfd::open(probe.pid());
    ::_exit(held && held->send(sigterm) == delivery::not_permitted ? 0 : 1);
  }
  int status = -1;
  ::waitpid(other, &status, 0);
  CHECK(status == 0);
}
