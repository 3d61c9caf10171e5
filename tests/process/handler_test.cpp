#include "support/handlers.hpp"

#include <signal.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace test;
using namespace std::chrono_literals;

TEST_CASE("handlers: setting returns the one before, getting the present one") {
  const handler first(do_nothing);
  const handler second(do_nothing);
  CHECK(get_handler(sigusr1) == handler::by_default());
  CHECK(set_handler(sigusr1, first) == handler::by_default());
  CHECK(get_handler(sigusr1) == first);
  CHECK(first != second);
  CHECK(set_handler(sigusr1, second) == first);
  CHECK(set_handler(sigusr1, handler::ignored()) == second);
  CHECK(get_handler(sigusr1) == handler::ignored());
  CHECK(set_handler(sigusr1, first) == handler::ignored());
  CHECK(set_handler(sigusr1, handler::by_default()) == first);
  CHECK(get_handler(sigusr1) == handler::by_default());
}

TEST_CASE("handlers: one of somebody else is foreign, and can be put back") {
  static int foreign_calls = 0;
  struct sigaction action {};
  action.sa_handler = [](int) { ++foreign_calls; };
  action.sa_flags = SA_NODEFER;
  ::sigaction(SIGUSR1, &action, nullptr);
  CHECK(get_handler(sigusr1).what() == handler::kind::foreign);
  const handler foreign = set_handler(sigusr1, do_nothing);
  CHECK(foreign.what() == handler::kind::foreign);
  ::raise(SIGUSR1);
  CHECK(foreign_calls == 0);
  set_handler(sigusr1, foreign);
  ::raise(SIGUSR1);
  CHECK(foreign_calls == 1);
  struct sigaction now {};
  ::sigaction(SIGUSR1, nullptr, &now);
  CHECK((now.sa_flags & SA_NODEFER) != 0);
}

TEST_CASE("handlers: what replaces one behind the library's back is seen") {
  set_handler(sigusr1, do_nothing);
  ::signal(SIGUSR1, SIG_IGN);
  CHECK(get_handler(sigusr1) == handler::ignored());
  CHECK(set_handler(sigusr1, do_nothing) == handler::ignored());
  set_default(sigusr1);
  CHECK(get_handler(sigusr1) == handler::by_default());
}

TEST_CASE("handlers: the real one that is put back by itself has nothing to call, and goes on") {
  set_handler(sigusr1, do_nothing);
  struct sigaction ours {};
  ::sigaction(SIGUSR1, nullptr, &ours);
  set_handler(sigusr1, handler::by_default());
  ::sigaction(SIGUSR1, &ours, nullptr);
  ::raise(SIGUSR1);
  CHECK(dispatch() == 0);
  sleep_for(1ms);
  set_handler(sigusr1, do_nothing);
  ::raise(SIGUSR1);
  CHECK(dispatch() == 1);
}

TEST_CASE("handlers: one that can only be moved is as good as others") {
  int calls = 0;
  set_handler(sigusr1, [&, owned = std::make_unique<int>(2)](signal_id, const signal_info&) {
    calls += *owned;
  });
  const handler shared = get_handler(sigusr1);
  set_handler(sigusr2, shared);
  ::raise(SIGUSR1);
  ::raise(SIGUSR2);
  CHECK(dispatch() == 2);
  CHECK(calls == 4);
}

TEST_CASE("handlers: an empty one is refused") {
  refused([] { set_handler(sigusr1, handler::callable{}); }, std::errc::invalid_argument,
          "set_handler of signal USR1, with an empty function");
  void (*const nothing)(signal_id, const signal_info&) = nullptr;
  refused([&] { set_handler(sigusr1, nothing); }, std::errc::invalid_argument, "empty function");
  CHECK(get_handler(sigusr1) == handler::by_default());
}

TEST_CASE("handlers: signals that can have none are refused") {
  for (const signal_id signal : {sigkill, sigstop, signull, signal_id(-1), signal_id(65),
                                 signal_id(4242), signal_id(32), signal_id(33)}) {
    CAPTURE(signal.number());
    refused([&] { set_handler(signal, do_nothing); }, std::errc::invalid_argument,
            "set_handler of signal " + signal.name());
    refused([&] { set_handler(signal, handler::ignored()); }, std::errc::invalid_argument,
            "set_handler");
    refused([&] { siginterrupt(signal, true); }, std::errc::invalid_argument, "siginterrupt");
  }
  for (const signal_id signal : {signull, signal_id(-1), signal_id(65), signal_id(32)})
    refused([&] { static_cast<void>(get_handler(signal)); }, std::errc::invalid_argument,
            "get_handler of signal ");
  CHECK(get_handler(sigkill) == handler::by_default());
  CHECK(get_handler(sigstop) == handler::by_default());
}

TEST_CASE("handlers: every other signal can have one") {
  for (const signal_id signal : signal_set::changeable()) {
    CAPTURE(signal.number());
    std::vector<signal_info> calls;
    const scoped_handler set(signal, append_to(calls), asynchronous_only);
    CHECK(dispatch() == 0);
    ::raise(signal.number());
    CHECK(dispatch() == 1);
    REQUIRE(calls.size() == 1);
    CHECK(calls[0].signal == signal);
    CHECK(calls[0].pid == ::getpid());
  }
  CHECK(get_handler(sigusr1) == handler::by_default());
}

TEST_CASE("handlers: they run at a safe point, with what came, and not before") {
  std::vector<signal_info> calls;
  set_handler(sigusr1, append_to(calls));
  ::kill(::getpid(), SIGUSR1);
  CHECK(calls.empty());
  CHECK(dispatch() == 1);
  REQUIRE(calls.size() == 1);
  CHECK(code_name(calls[0]) == "SI_USER");
  CHECK(calls[0].pid == ::getpid());
  CHECK(calls[0].uid == ::getuid());
  CHECK(dispatch() == 0);
}

TEST_CASE("handlers: one stays until it is set again") {
  int calls = 0;
  set_handler(sigusr1, [&](signal_id, const signal_info&) { ++calls; });
  for (int i = 1; i <= 3; ++i) {
    ::raise(SIGUSR1);
    dispatch();
    CHECK(calls == i);
  }
}

TEST_CASE("handlers: equal standard signals are one call, with the first one's siginfo") {
  std::vector<signal_info> calls;
  set_handler(sigusr1, append_to(calls));
  for (int value = 1; value <= 3; ++value)
    queue_to_self(sigusr1, value);
  CHECK(dispatch() == 1);
  REQUIRE(calls.size() == 1);
  CHECK(calls[0].value == 1);
  CHECK(code_name(calls[0]) == "SI_QUEUE");
}

TEST_CASE("handlers: real-time signals are a call each, in their order") {
  std::vector<signal_info> calls;
  const signal_id signal(real_time_min().number() + 1);
  set_handler(signal, append_to(calls));
  for (int value = 0; value < 100; ++value)
    queue_to_self(signal, value);
  CHECK(dispatch() == 100);
  REQUIRE(calls.size() == 100);
  for (int value = 0; value < 100; ++value)
    CHECK(calls[static_cast<std::size_t>(value)].value == value);
}

TEST_CASE("handlers: what overflows the ring keeps its call, loses its value and is counted") {
  std::vector<signal_info> calls;
  const signal_id signal = real_time_max();
  set_handler(signal, append_to(calls));
  for (int round = 1; round <= 3; ++round) { // the ring goes round
    calls.clear();
    for (int value = 1; value <= 1124; ++value)
      queue_to_self(signal, value);
    CHECK(dispatch() == 1124);
    REQUIRE(calls.size() == 1124);
    for (int value = 1; value <= 1024; ++value)
      CHECK(calls[static_cast<std::size_t>(value - 1)].value == value);
    for (std::size_t i = 1024; i < calls.size(); ++i) {
      CHECK(calls[i].signal == signal);
      CHECK(calls[i].value == 0);
    }
    CHECK(values_lost() == static_cast<std::uint64_t>(round) * 100);
  }
}

TEST_CASE("handlers: several that are due run in the order of their numbers") {
  std::vector<signal_info> calls;
  const std::vector<signal_id> sent{real_time_max(), sigterm, sigusr2,        real_time_min(),
                                    sighup,          sigusr1, real_time_max()};
  for (const signal_id signal : sent)
    set_handler(signal, append_to(calls));
  for (const signal_id signal : sent)
    ::raise(signal.number());
  CHECK(dispatch() == sent.size());
  CHECK(std::is_sorted(calls.begin(), calls.end(),
                       [](const auto& a, const auto& b) { return a.signal < b.signal; }));
}

TEST_CASE("handlers: what one throws comes out of the safe point, and the rest stays due") {
  std::vector<signal_info> calls;
  set_handler(sighup, [](signal_id, const signal_info&) { throw std::runtime_error("hung up"); });
  set_handler(sigusr1, append_to(calls));
  ::raise(SIGUSR1);
  ::raise(SIGHUP);
  CHECK_THROWS_WITH_AS(dispatch(), "hung up", std::runtime_error);
  CHECK(calls.empty());
  CHECK(dispatch() == 1);
  CHECK(calls.size() == 1);
  ::raise(SIGHUP);
  CHECK_THROWS_AS(sleep_for(10s), std::runtime_error);
  ::raise(SIGHUP);
  CHECK_THROWS_AS(sigkit::pause(), std::runtime_error);
  ::raise(SIGHUP);
  CHECK_THROWS_AS(sigwaitinfo({sigchld}), std::runtime_error);
  ::raise(SIGHUP);
  CHECK_THROWS_AS(set_handler(sigusr2, do_nothing), std::runtime_error);
  CHECK(get_handler(sigusr2) == handler::by_default());
}

TEST_CASE("handlers: one that sends its own signal is called again at the next safe point") {
  int calls = 0;
  for (const signal_id signal : {sigusr1, real_time_min()}) {
    calls = 0;
    set_handler(signal, [&](signal_id self, const signal_info&) {
      ++calls;
      ::raise(self.number());
    });
    ::raise(signal.number());
    CHECK(dispatch() == 1);
    CHECK(dispatch() == 1);
    CHECK(calls == 2);
    set_handler(signal, do_nothing);
  }
}

TEST_CASE("handlers: one may wait, set others, and replace itself") {
  std::vector<signal_info> inner;
  set_handler(sigusr2, append_to(inner));
  set_handler(sigusr1, [&](signal_id self, const signal_info&) {
    ::raise(SIGUSR2);
    sleep_for(1ms);
    CHECK(inner.size() == 1);
    set_handler(self, handler::ignored());
  });
  ::raise(SIGUSR1);
  CHECK(dispatch() == 1);
  CHECK(get_handler(sigusr1) == handler::ignored());
}

TEST_CASE("handlers: the rest of a queue may be handled within the first call") {
  std::vector<int> order;
  const signal_id signal = real_time_min();
  set_handler(signal, [&](signal_id, const signal_info& info) {
    dispatch();
    order.push_back(info.value);
  });
  for (int value = 1; value <= 3; ++value)
    queue_to_self(signal, value);
  dispatch();
  CHECK(order == std::vector<int>{3, 2, 1});
}

TEST_CASE("handlers: a blocked signal waits, and is called before the unblocking call returns") {
  int calls = 0;
  set_handler(sigusr1, [&](signal_id, const signal_info&) { ++calls; });
  pthread_sigmask(mask_change::block, {sigusr1});
  ::raise(SIGUSR1);
  dispatch();
  CHECK(calls == 0);
  CHECK(sigpending() == signal_set{sigusr1});
  pthread_sigmask(mask_change::unblock, {sigusr1});
  CHECK(calls == 1);
  CHECK(sigpending().empty());
  set_handler(sigusr1,
              [](signal_id, const signal_info&) { throw std::runtime_error("unblocked"); });
  pthread_sigmask(mask_change::block, {sigusr1});
  ::raise(SIGUSR1);
  CHECK_THROWS_AS(pthread_sigmask(mask_change::set, {}), std::runtime_error);
  CHECK(pthread_sigmask(mask_change::block, {}).empty());
}

TEST_CASE("handlers: for faults they are refused, with the reason") {
  for (const signal_id signal : {sigsegv, sigbus, sigfpe, sigill}) {
    set_default(signal); // instead of the test runner's own
    refused([&] { set_handler(signal, do_nothing); }, std::errc::invalid_argument,
            "set_handler of signal " + signal.name() +
                ", which comes from an instruction that would fail again");
    CHECK(set_handler(signal, handler::ignored()) == handler::by_default());
    CHECK(set_handler(signal, handler::by_default()) == handler::ignored());
    int calls = 0;
    const scoped_handler set(
        signal, [&](signal_id, const signal_info&) { ++calls; }, asynchronous_only);
    ::kill(::getpid(), signal.number());
    CHECK(dispatch() == 1);
    CHECK(calls == 1);
  }
}

namespace {

__attribute__((no_sanitize("address", "undefined", "thread"))) void write_to_nowhere() {
  volatile int* volatile nowhere = nullptr;
  *nowhere = 1;
}

} // namespace

TEST_CASE("handlers: a real fault takes the default action all the same") {
  const int status = status_of_child([] {
    set_handler(sigsegv, do_nothing, asynchronous_only);
    ::raise(SIGSEGV);
    if (dispatch() != 1) return 1;
    write_to_nowhere();
    return 0;
  });
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGSEGV);
  const int in_thread = status_of_child([] {
    set_handler(sigsegv, do_nothing, asynchronous_only);
    std::thread(write_to_nowhere).join();
    return 0;
  });
  CHECK(WIFSIGNALED(in_thread));
}

TEST_CASE("handlers: what came during a change meets what was set") {
  set_handler(sigusr1, do_nothing);
  {
    const scoped_handler inner(sigusr1, do_nothing);
    ::raise(SIGUSR1);
  } // no safe point: what is put back has the call
  CHECK(dispatch() == 1);
  const int status = status_of_child([] {
    set_default(sigterm);
    {
      const scoped_handler inner(sigterm, do_nothing);
      ::raise(SIGTERM);
    }
    return 0;
  });
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGTERM);
}

TEST_CASE("handlers: what is sent again is as it was") {
  static siginfo_t seen{};
  struct sigaction action {};
  action.sa_sigaction = [](int, siginfo_t* info, void*) { seen = *info; };
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGIO, &action, nullptr);
  {
    const scoped_handler set(sigio, do_nothing);
    sigval value{};
    value.sival_ptr = &seen;
    REQUIRE(::sigqueue(::getpid(), SIGIO, value) == 0);
    ::poll(nullptr, 0, 0);
  }
  ::poll(nullptr, 0, 0);
  CHECK(seen.si_pid == ::getpid());
  CHECK(seen.si_value.sival_ptr == &seen);
}

TEST_CASE("handlers: the opt-in defaults are those of Python") {
  set_default(sigint); // instead of the test runner's own
  install_defaults();
  CHECK(get_handler(sigpipe) == handler::ignored());
  ::raise(SIGINT);
  try {
    sleep_for(10s);
    FAIL("not interrupted");
  } catch (const keyboard_interrupt& interrupt) {
    CHECK(interrupt.info().signal == sigint);
    CHECK(interrupt.info().pid == ::getpid());
  }
  set_handler(sigint, handler::ignored());
  install_defaults();
  CHECK(get_handler(sigint) == handler::ignored()); // as a job in the background has it
}
