#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <thread>
#include <utility>

#include <sigkit/sigkit.hpp>

#include "support/helper.hpp"

using namespace sigkit;
using namespace test;

namespace {

void take_nothing(int) {}

} // namespace

TEST_CASE("signal search: processes are found by what they do with signals") {
  if (SIGKIT_TESTS_SANITIZE_THREADS) SKIP(own_threads);
  const helper process([] {
    ::signal(SIGUSR1, &take_nothing);
    ::signal(SIGHUP, SIG_IGN);
    pthread_sigmask(mask_change::block, {sigusr2, sigurg});
    std::thread other([] {
      pthread_sigmask(mask_change::set, {sigusr2, sigwinch});
      ::pthread_setname_np(::pthread_self(), "other");
      helper::say_ready();
      wait_for_ever();
    });
    other.join();
  });
  REQUIRE(comes_to_block(process.pid(), {sigusr2, sigurg}));
  ::kill(process.pid(), SIGUSR2);
  const auto finds = [&](const signal_conditions& conditions) {
    for (const found_process& one : find_by_signals(conditions).processes)
      if (one.status.id == process.pid()) return true;
    return false;
  };
  signal_conditions conditions;
  CHECK(finds(conditions));
  conditions.catching = {{sigusr1, sigprof}}; // one of these is enough
  conditions.ignoring = {{sighup}};
  conditions.blocking = {{sigusr2}, {sigwinch}, {sigurg}}; // of these each, by one thread or all
  conditions.pending = {signal_set::changeable()};
  conditions.users = {::geteuid()};
  conditions.names = {"_tests$"};
  CHECK(finds(conditions));
  const auto without = [&](auto change) {
    signal_conditions other = conditions;
    change(other);
    return finds(other);
  };
  CHECK_FALSE(without([](auto& one) { one.catching.push_back({sigprof}); }));
  CHECK_FALSE(without([](auto& one) { one.ignoring.push_back({sigvtalrm}); }));
  CHECK_FALSE(without([](auto& one) { one.blocking.push_back({sigterm}); }));
  CHECK_FALSE(without([](auto& one) { one.pending = {{sigwinch}}; }));
  CHECK_FALSE(without([](auto& one) { one.users = {::geteuid() + 1}; }));
  CHECK_FALSE(without([](auto& one) { one.names.emplace_back("^other"); }));
  for (const found_process& one : find_by_signals(conditions).processes) {
    CHECK(one.blocked_by_all == signal_set{sigusr2});
    CHECK(one.blocked_by_some == signal_set{sigusr2, sigwinch, sigurg});
  }
  conditions.names = {"("};
  CHECK_THROWS_AS(static_cast<void>(find_by_signals(conditions)), error);
  for (const found_process& one : find_by_signals({}).processes)
    CHECK(one.status.id != ::getpid());
}
