#include <doctest/doctest.h>

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>
#include <vector>

#include <sigkit/sigkit.hpp>

#include "support/handlers.hpp"
#include "system.hpp"

using namespace sigkit;
using test::refused;
using namespace std::chrono_literals;

namespace {

/// A thread that takes what it is sent, and says which thread took it.
class taking_thread {
public:
  explicit taking_thread(signal_set set)
      : thread_([this, set] {
          id_ = ::gettid();
          ready_.set_value();
          taken_.set_value(sigtimedwait(set, 20s));
          end_.get_future().wait();
        }) {
    ready_.get_future().wait();
    CHECK(test::eventually([&] { return waits(); }));
  }
  taking_thread(const taking_thread&) = delete;
  taking_thread& operator=(const taking_thread&) = delete;
  ~taking_thread() {
    end_.set_value();
    thread_.join();
  }
  [[nodiscard]] pid_t id() const { return id_; }
  std::thread& thread() { return thread_; }
  std::optional<signal_info> taken() { return taken_.get_future().get(); }

private:
  [[nodiscard]] bool waits() const {
    const std::vector<process_status> threads = read_threads(::getpid());
    return std::any_of(threads.begin(), threads.end(), [&](const process_status& one) {
      return one.id == id_ && one.state == 'S';
    });
  }

  std::promise<void> ready_;
  std::promise<void> end_;
  std::promise<std::optional<signal_info>> taken_;
  std::atomic<pid_t> id_ = 0;
  std::thread thread_;
};

/// Runs what the kernel may be too old for; false where it is.
template <class Body> bool since_linux_6_9(Body body) {
  try {
    body();
    return true;
  } catch (const error& why) {
    if (why.code() != std::errc::function_not_supported) throw;
    return false;
  }
}

} // namespace

TEST_CASE("send: one process is queued a value") {
  const scoped_mask blocked(mask_change::block, {sigusr1, real_time_min()});
  CHECK(queue(::getpid(), real_time_min(), -7) == delivery::sent);
  const signal_info info = sigwaitinfo({real_time_min()});
  CHECK(info.value == -7);
  CHECK(info.pid == ::getpid());
  CHECK(code_name(info) == "SI_QUEUE");
  CHECK(queue(::getpid(), signull, 1) == delivery::sent);
  CHECK(queue(0x3fffff, sigusr1, 1) == delivery::gone);
  refused([] { queue(0, sigusr1, 1); }, std::errc::invalid_argument, "sigqueue(3) to PID 0");
  refused([] { queue(-1, sigusr1, 1); }, std::errc::invalid_argument, "sigqueue(3) to PID -1");
  refused([] { queue(::getpid(), signal_id(65), 1); }, std::errc::invalid_argument,
          "sigqueue(3) of 65 to process " + std::to_string(::getpid()));
}

TEST_CASE("send: a queue that is full is an error") {
  const rlimit none{0, 0};
  REQUIRE(::setrlimit(RLIMIT_SIGPENDING, &none) == 0);
  const scoped_mask blocked(mask_change::block, {real_time_min()});
  refused([] { queue(::getpid(), real_time_min(), 1); }, std::errc::resource_unavailable_try_again,
          "sigqueue(3) of RTMIN to process ");
}

TEST_CASE("send: one thread is signalled, by its ID and by a pidfd of its process") {
  const scoped_mask blocked(mask_change::block, {sigusr1});
  const auto self = pidfd::open(::getpid());
  {
    taking_thread thread({sigusr1});
    CHECK(send_thread(::getpid(), thread.id(), signull) == delivery::sent);
    CHECK(send_thread(::getpid(), thread.id(), sigusr1) == delivery::sent);
    CHECK(thread.taken()->signal == sigusr1);
  }
  {
    taking_thread thread({sigusr1});
    CHECK(self->send_thread(thread.id(), sigusr1) == delivery::sent);
    CHECK(thread.taken()->signal == sigusr1);
  }
  CHECK(sigpending().empty());
  CHECK(send_thread(::getpid(), 0x3fffff, signull) == delivery::gone);
  CHECK(self->send_thread(0x3fffff, signull) == delivery::gone);
  CHECK(send_thread(::getppid(), ::gettid(), signull) == delivery::gone); // of another process
  test::child other({"/bin/sleep", "1000"});
  CHECK(self->send_thread(other.pid(), sigterm) == delivery::gone);
  CHECK(pidfd::open(other.pid())->send_thread(other.pid(), signull) == delivery::sent);
  refused([] { send_thread(::getpid(), -1, sigusr1); }, std::errc::invalid_argument,
          "tgkill(2) of USR1 to thread -1 of process " + std::to_string(::getpid()));
  refused([&] { self->send_thread(0, sigusr1); }, std::errc::invalid_argument, "thread 0");
}

TEST_CASE("send: a pidfd queues values") {
  const scoped_mask blocked(mask_change::block, {real_time_min()});
  const auto self = pidfd::open(::getpid());
  CHECK(self->queue(real_time_min(), 42) == delivery::sent);
  const signal_info info = sigwaitinfo({real_time_min()});
  CHECK(info.value == 42);
  CHECK(info.pid == ::getpid());
  CHECK(info.uid == ::getuid());
  test::child ended({"/bin/true"});
  const auto held = pidfd::open(ended.pid());
  ended.finish();
  CHECK(held->queue(sigusr1, 1) == delivery::gone);
  refused([&] { self->queue(signal_id(77), 1); }, std::errc::invalid_argument, "of 77 to process");
}

TEST_CASE("send: a pidfd reaches the group that its process leads, and a thread is held by one") {
  test::child leader({"/bin/sh", "-c", "sleep 1000 & echo ready; wait"},
                     {.environment = {}, .before_exec = [] { ::setpgid(0, 0); }, .argv0 = {}});
  leader.wait_for_line("ready");
  const auto held = pidfd::open(leader.pid());
  if (!since_linux_6_9([&] { CHECK(held->send_group(sigterm) == delivery::sent); }))
    SKIP("the kernel is older than Linux 6.9");
  CHECK(leader.finish() == exit_status::killed(sigterm));
  refused([&] { held->send_group(signal_id(65)); }, std::errc::invalid_argument,
          "to process group " + std::to_string(leader.pid()));

  const scoped_mask blocked(mask_change::block, {sigusr1});
  std::optional<pidfd> held_thread;
  {
    taking_thread thread({sigusr1});
    held_thread = pidfd::open_thread(thread.id());
    REQUIRE(held_thread);
    CHECK(held_thread->send(sigusr1) == delivery::sent);
    CHECK(thread.taken()->signal == sigusr1);
    CHECK_FALSE(held_thread->wait(0s));
  }
  CHECK(held_thread->wait(20s));
  CHECK(held_thread->send(sigusr1) == delivery::gone);
  CHECK_FALSE(pidfd::open_thread(0x3fffff));
  refused([] { pidfd::open_thread(-1); }, std::errc::invalid_argument, "of thread -1");
}

TEST_CASE("send: pthread_kill interrupts a thread, with and without others") {
  pthread_kill(::pthread_self(), signull);
  int calls = 0;
  set_handler(sigusr1, [&](signal_id, const signal_info&) {
    CHECK(in_main_thread());
    ++calls;
  });
  pthread_kill(::pthread_self(), sigusr1);
  CHECK(dispatch() == 1);
  const scoped_mask blocked(mask_change::block, {sigusr2});
  taking_thread thread({sigusr2});
  pthread_kill(thread.thread(), signull);
  pthread_kill(thread.thread(), sigusr1);
  CHECK(test::eventually([&] { return dispatch() == 1; }));
  pthread_kill(thread.thread(), sigusr2);
  CHECK(thread.taken()->signal == sigusr2);
  CHECK(calls == 2);
  refused([&] { pthread_kill(thread.thread(), signal_id(65)); }, std::errc::invalid_argument,
          "pthread_kill(3) of 65");
  refused([&] { pthread_kill(::pthread_self(), signal_id(-1)); }, std::errc::invalid_argument,
          "pthread_kill(3) of -1");
}

TEST_CASE("send: pthread_kill of a thread that has ended is an error") {
  std::atomic<pid_t> id = 0;
  std::thread thread([&] { id = ::gettid(); });
  CHECK(test::eventually(
      [&] { return id != 0 && send_thread(::getpid(), id, signull) == delivery::gone; }));
  refused([&] { pthread_kill(thread, signull); }, std::errc::no_such_process,
          "pthread_kill(3) of 0 to a thread that has ended");
  refused([&] { pthread_kill(thread, sigterm); }, std::errc::no_such_process, "has ended");
  thread.join();
  refused([&] { pthread_kill(thread, sigterm); }, std::errc::no_such_process,
          "to a thread that was joined or detached");
}

TEST_CASE("send: the number of a child is never a group's, or everyone's") {
  // Signal 0: were it sent, nobody would come to harm.
  for (const pid_t number : {-1, 0}) {
    CHECK(sigkit::sys::kill_child(number, sigkit::signull) == ESRCH);
    siginfo_t plain{};
    CHECK(sigkit::sys::pass_on_to_child(number, plain) == ESRCH);
    plain.si_code = SI_QUEUE;
    CHECK(sigkit::sys::pass_on_to_child(number, plain) == ESRCH);
  }
}
