#include <doctest/doctest.h>

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <future>
#include <thread>

#include <sigkit/sigkit.hpp>

#include "support/child.hpp"

using namespace sigkit;
using namespace std::chrono_literals;

TEST_CASE("process facts: the masks of a process are told") {
  test::child ignoring({test::program("probe"), "ignore", "HUP,RTMIN+1"});
  ignoring.wait_for_line("ready");
  const auto status = read_status(ignoring.pid());
  REQUIRE(status);
  CHECK(status->id == ignoring.pid());
  CHECK(status->name == "probe");
  CHECK(status->uid == ::getuid());
  CHECK(status->effective_uid == ::geteuid());
  CHECK(status->ignored.contains(sighup));
  CHECK(status->ignored.contains(signal_id(real_time_min().number() + 1)));
  CHECK_FALSE(status->caught.contains(sighup));
  CHECK(status->queue_limit > 0);
  CHECK_FALSE(read_status(0x3fffff));
}

TEST_CASE("process facts: what this process blocks, catches and has pending is in them") {
  set_handler(sigusr1, [](signal_id, const signal_info&) {});
  pthread_sigmask(mask_change::block, {sigusr2, sigwinch, sigurg});
  ::kill(::getpid(), SIGUSR2);
  ::raise(SIGWINCH);
  const process_status status = read_status(::getpid()).value();
  CHECK(status.state == 'R');
  CHECK(status.caught.contains(sigusr1));
  CHECK(status.blocked == signal_set{sigusr2, sigwinch, sigurg});
  CHECK(status.shared_pending == signal_set{sigusr2});
  CHECK(status.pending == signal_set{sigwinch});
  CHECK(status.queued >= 2);
}

TEST_CASE("process facts: each thread has its own") {
  std::promise<pid_t> started;
  std::promise<void> end;
  std::thread thread([&] {
    pthread_sigmask(mask_change::block, {sigusr1});
    started.set_value(::gettid());
    end.get_future().wait();
  });
  const pid_t id = started.get_future().get();
  const std::vector<process_status> threads = read_threads(::getpid());
  end.set_value();
  thread.join();
  REQUIRE(threads.size() >= 2); // a sanitizer has one of its own
  CHECK(threads.front().id == ::getpid());
  CHECK_FALSE(threads.front().blocked.contains(sigusr1));
  const auto found = std::find_if(threads.begin(), threads.end(),
                                  [&](const process_status& one) { return one.id == id; });
  REQUIRE(found != threads.end());
  CHECK(found->blocked == signal_set{sigusr1});
  CHECK(read_threads(0x3fffff).empty());
}

TEST_CASE("process facts: the command line is read word by word") {
  const std::vector<std::string> words{test::program("probe"), "ignore", "HUP", "a b", ""};
  test::child probe(words);
  probe.wait_for_line("ready");
  CHECK(read_command_line(probe.pid()) == words);
  CHECK_FALSE(read_command_line(0x3fffff));
}

TEST_CASE("process facts: what is no status is refused, what is missing is empty") {
  CHECK_FALSE(parse_process_status(""));
  CHECK_FALSE(parse_process_status("Name:\tx\nPid:\t12\n"));
  CHECK_FALSE(parse_process_status("Name:\tx\nState:\tS (sleeping)\nPid:\tx\n"));
  const auto status = parse_process_status("Name:\ta\\nb\nState:\tS (sleeping)\nPid:\t12\n"
                                           "Uid:\t1\t2\t3\t4\nSigQ:\t3/100\n"
                                           "TracerPid:\t7\nThreads:\t5\nNSpid:\t12\t1\n"
                                           "SigPnd:\t0000000000000001\nSigCgt:\t8000000000000002");
  REQUIRE(status);
  CHECK(status->name == "a\nb");
  CHECK(status->state == 'S');
  CHECK(status->tracer == 7);
  CHECK(status->threads == 5);
  CHECK(status->is_init);
  CHECK(status->uid == 1);
  CHECK(status->effective_uid == 2);
  CHECK(status->queued == 3);
  CHECK(status->queue_limit == 100);
  CHECK(status->pending == signal_set{sighup});
  CHECK(status->caught == signal_set{sigint, signal_id(64)});
  CHECK(status->blocked.empty());
}
