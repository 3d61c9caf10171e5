#include <doctest/doctest.h>

#include <sys/wait.h>

#include <sigkit/exit_status.hpp>

using namespace sigkit;

TEST_CASE("exited with 9 is not killed by 9") {
  const auto exited = exit_status::from_wait_status(9 << 8);
  const auto killed = exit_status::from_wait_status(9);
  REQUIRE(exited);
  REQUIRE(killed);
  CHECK(*exited != *killed);
  CHECK(exited->exit_code() == 9);
  CHECK_FALSE(exited->signal());
  CHECK(killed->signal() == sigkill);
  CHECK_FALSE(killed->exit_code());
  CHECK(exited->shell_status() == 9);
  CHECK(killed->shell_status() == 137);
}

TEST_CASE("a wait status of a process that goes on is no exit status") {
  CHECK_FALSE(exit_status::from_wait_status(0x137f)); // stopped by 19
  CHECK_FALSE(exit_status::from_wait_status(0xffff)); // continued
  CHECK_FALSE(exit_status::from_child_code(CLD_STOPPED, 19));
  CHECK_FALSE(exit_status::from_child_code(CLD_CONTINUED, 18));
}

TEST_CASE("an exit status tells whether a core was dumped") {
  CHECK(exit_status::from_wait_status(11 | 0x80)->dumped_core());
  CHECK_FALSE(exit_status::from_wait_status(11)->dumped_core());
  CHECK(exit_status::from_child_code(CLD_DUMPED, 11)->dumped_core());
}

TEST_CASE("an exit status is said in words") {
  CHECK(to_string(exit_status::exited(3)) == "exited 3");
  CHECK(to_string(exit_status::killed(sigterm)) == "killed by SIGTERM");
  CHECK(to_string(exit_status::killed(sigsegv, true)) == "killed by SIGSEGV (core dumped)");
  CHECK(to_string(exit_status::killed(signal_id(32))) == "killed by signal 32");
}

TEST_CASE("what a shell makes of an end is read again") {
  CHECK(exit_status::from_shell_status(3) == exit_status::exited(3));
  CHECK(exit_status::from_shell_status(128) == exit_status::exited(128));
  CHECK(exit_status::from_shell_status(129) == exit_status::killed(sighup));
  CHECK(exit_status::from_shell_status(192) == exit_status::killed(signal_id(64)));
  CHECK(exit_status::from_shell_status(193) == exit_status::exited(193));
  CHECK(exit_status::from_shell_status(255).shell_status() == 255);
}
