// What is said of a signal that would be sent is held against what the kernel does when it is.
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

#include "proc.hpp"
#include "support/child.hpp"

using namespace sigkit;
using effect = reaction::effect;
using reason = reaction::reason;

namespace {

volatile sig_atomic_t handled = 0;

void count_it(int) {
  handled = handled + 1;
}

/// A process that does what is asked with one signal, and then answers each byte with how many it
/// has handled.
class subject {
public:
  struct nature {
    disposition how = disposition::by_default;
    bool blocks = false;
    bool is_stopped = false;
  };

  subject(signal_id signal, nature what) : signal_(signal) {
    REQUIRE(::pipe(asks_) == 0);
    REQUIRE(::pipe(answers_) == 0);
    pid_ = ::fork();
    if (pid_ == 0) live(what);
    // A group of its own, with a parent outside: it is not orphaned.
    ::setpgid(pid_, pid_);
    ::close(asks_[0]);
    ::close(answers_[1]);
    CHECK(ask() == 0);
    if (!what.is_stopped) return;
    ::kill(pid_, SIGSTOP);
    int status = 0;
    REQUIRE(::waitpid(pid_, &status, WUNTRACED) == pid_);
    REQUIRE(WIFSTOPPED(status));
  }
  subject(const subject&) = delete;
  subject& operator=(const subject&) = delete;
  ~subject() {
    if (!reaped_) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(asks_[1]);
    ::close(answers_[0]);
  }

  [[nodiscard]] pid_t pid() const { return pid_; }

  /// What comes of the signal; of what stays stopped, what can be seen from outside.
  reaction send() {
    const bool was_stopped = read_process(pid_)->state == 'T';
    REQUIRE(::kill(pid_, signal_.number()) == 0);
    reaction seen;
    if (was_stopped) {
      int status = 0;
      if (signal_ == sigkill || signal_ == sigcont) {
        REQUIRE(::waitpid(pid_, &status, WCONTINUED) == pid_);
        if (ended(status, seen)) return seen;
        REQUIRE(WIFCONTINUED(status));
        seen = {effect::resume, reason::none};
      } else {
        return sent_while_stopped();
      }
    }
    const bool resumed = seen.what == effect::resume;
    ::signal(SIGPIPE, SIG_IGN); // it may have ended by now
    [[maybe_unused]] const ssize_t asked = ::write(asks_[1], "", 1);
    if (!test::eventually([&] { return is_settled(seen); })) FAIL("nothing comes");
    if (resumed && seen.what == effect::none) return {effect::resume, reason::none};
    seen.resumes = resumed;
    return seen;
  }

private:
  /// A stop signal is there until the next CONT, which takes it back: that is nothing.
  [[nodiscard]] reaction sent_while_stopped() const {
    const bool was_pending = is_pending();
    const bool stops = signal_.action() == default_action::stop;
    if (stops) ::kill(pid_, SIGCONT);
    CHECK_FALSE((stops && is_pending()));
    return {was_pending && !stops ? effect::pend : effect::none, reason::none};
  }

  bool is_settled(reaction& seen) {
    int status = 0;
    pollfd answer{answers_[0], POLLIN, 0};
    const bool has_answer = ::poll(&answer, 1, 0) == 1 && (answer.revents & POLLIN) != 0;
    if (::waitpid(pid_, &status, WNOHANG | WUNTRACED) == pid_) {
      if (WIFSTOPPED(status)) seen.what = effect::stop;
      return WIFSTOPPED(status) || ended(status, seen);
    }
    if (!has_answer) return false;
    unsigned char count = 0;
    REQUIRE(::read(answers_[0], &count, 1) == 1);
    seen.what = count != 0 ? effect::handler : is_pending() ? effect::pend : effect::none;
    return true;
  }

  bool ended(int status, reaction& seen) {
    if (!WIFSIGNALED(status)) return false;
    CHECK(WTERMSIG(status) == signal_.number());
    reaped_ = true;
    seen.what = signal_.action() == default_action::core ? effect::core : effect::terminate;
    return true;
  }

  [[nodiscard]] bool is_pending() const {
    return read_status(pid_)->shared_pending.contains(signal_);
  }

  int ask() {
    REQUIRE(::write(asks_[1], "", 1) == 1);
    unsigned char count = 0;
    REQUIRE(::read(answers_[0], &count, 1) == 1);
    return count;
  }

  [[noreturn]] void live(nature what) {
    ::setpgid(0, 0);
    const rlimit no_core{};
    ::setrlimit(RLIMIT_CORE, &no_core);
    struct sigaction action {};
    action.sa_flags = SA_RESTART;
    if (what.how == disposition::ignored) action.sa_handler = SIG_IGN;
    if (what.how == disposition::caught) action.sa_handler = &count_it;
    if (signal_.is_changeable()) ::sigaction(signal_.number(), &action, nullptr);
    if (what.blocks) pthread_sigmask(mask_change::block, {signal_});
    char byte = 0;
    while (::read(asks_[0], &byte, 1) == 1) {
      const auto count = static_cast<unsigned char>(handled);
      if (::write(answers_[1], &count, 1) != 1) break;
    }
    ::_exit(0);
  }

  signal_id signal_;
  int asks_[2]{};
  int answers_[2]{};
  pid_t pid_ = -1;
  bool reaped_ = false;
};

/// Those that are worth the time: one of each kind.
const std::vector<signal_id> of_each_kind{
    sigterm, sigquit, sigkill, sigstop, sigtstp, sigcont, sigchld, sigwinch, signal_id(40),
};

void check_prediction(signal_id signal, subject::nature what) {
  subject process(signal, what);
  const auto before = read_signals(process.pid());
  REQUIRE(before);
  const reaction said = reaction_to(signal, *before);
  CHECK(reaction_to(signal, *before, before->threads.front()) == said);
  const reaction seen = process.send();
  const std::string text = signal.name() + ": " + to_string(said);
  CAPTURE(text);
  CHECK(static_cast<int>(said.what) == static_cast<int>(seen.what));
  if (said.what == effect::pend) CHECK((said.why == reason::blocked) == what.blocks);
  CHECK(said.resumes == seen.resumes);
}

/// The child of a test that says when it is ready, and is killed at the end.
class helper {
public:
  explicit helper(const std::function<void()>& live) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ready_ = ends[1];
      live();
      ::_exit(0);
    }
    ::close(ends[1]);
    char byte = 0;
    REQUIRE(::read(ends[0], &byte, 1) == 1);
    ::close(ends[0]);
  }
  helper(const helper&) = delete;
  helper& operator=(const helper&) = delete;
  ~helper() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  static void say_ready() {
    if (::write(ready_, "", 1) != 1) ::_exit(1);
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

private:
  static inline int ready_ = -1;
  pid_t pid_ = -1;
};

/// While it makes a thread, the C library has blocked everything in the first one.
bool comes_to_block(pid_t pid, signal_set set) {
  return test::eventually([=] { return read_status(pid)->blocked == set; });
}

constexpr const char* own_threads = "the thread sanitizer has threads of its own";

[[noreturn]] void wait_for_ever() {
  for (;;)
    ::pause();
}

bool comes_to(pid_t pid, char state) {
  return test::eventually([=] {
    const auto facts = read_process(pid);
    return facts && facts->state == state;
  });
}

} // namespace

TEST_CASE("process signals: what is said of a signal comes true, while the process runs") {
  for (const signal_id signal : of_each_kind)
    for (const disposition how :
         {disposition::by_default, disposition::ignored, disposition::caught})
      for (const bool blocks : {false, true})
        if (signal.is_changeable() || (how == disposition::by_default && !blocks))
          check_prediction(signal, {how, blocks, false});
}

TEST_CASE("process signals: what is said of a signal comes true, while the process is stopped") {
  for (const signal_id signal : of_each_kind)
    for (const disposition how :
         {disposition::by_default, disposition::ignored, disposition::caught})
      for (const bool blocks : {false, true})
        if (signal.is_changeable() || (how == disposition::by_default && !blocks))
          check_prediction(signal, {how, blocks, true});
}

TEST_CASE("process signals: what waits in sigwait takes a signal") {
  const helper process([] {
    const signal_set wanted{sigusr1, sigterm};
    pthread_sigmask(mask_change::block, wanted | signal_set{sigusr2});
    helper::say_ready();
    for (;;)
      sigwaitinfo(wanted);
  });
  REQUIRE(
      test::eventually([&] { return read_signals(process.pid())->awaited().contains(sigterm); }));
  const process_signals now = read_signals(process.pid()).value();
  CHECK(now.is_complete);
  CHECK(now.awaited() == signal_set{sigusr1, sigterm});
  CHECK(to_string(reaction_to(sigterm, now)) == "is taken by sigwait");
  CHECK(to_string(reaction_to(sigusr2, now)) == "stays pending: blocked");
  ::kill(process.pid(), SIGTERM);
  CHECK(comes_to(process.pid(), 'S'));
}

TEST_CASE("process signals: what a signalfd reads is known") {
  const helper process([] {
    const signal_set wanted{sigusr1, sighup};
    pthread_sigmask(mask_change::block, wanted | signal_set{sigusr2});
    const sigset_t set = wanted.to_sigset();
    ::dup2(::signalfd(-1, &set, 0), 200);
    helper::say_ready();
    wait_for_ever();
  });
  const process_signals now = read_signals(process.pid()).value();
  CHECK(now.by_descriptor == signal_set{sigusr1, sighup});
  CHECK(to_string(reaction_to(sigusr1, now)) == "stays pending: blocked (signalfd)");
  CHECK(to_string(reaction_to(sigusr2, now)) == "stays pending: blocked");
}

TEST_CASE("process signals: one thread that does not block is enough, and each has its own") {
  if (SIGKIT_TESTS_SANITIZE_THREADS) SKIP(own_threads);
  const helper process([] {
    pthread_sigmask(mask_change::block, {sigusr1, sigusr2});
    std::thread other([] {
      pthread_sigmask(mask_change::unblock, {sigusr1});
      helper::say_ready();
      wait_for_ever();
    });
    other.join();
  });
  REQUIRE(comes_to_block(process.pid(), {sigusr1, sigusr2}));
  const process_signals now = read_signals(process.pid()).value();
  REQUIRE(now.threads.size() == 2);
  CHECK(now.count_blocking(sigusr1) == 1);
  CHECK(now.count_blocking(sigusr2) == 2);
  CHECK(reaction_to(sigusr1, now).what == effect::terminate);
  // What a signalfd reads to a thread is what was sent to the one that reads it: not known.
  process_signals with_descriptor = now;
  with_descriptor.by_descriptor = {sigusr2};
  CHECK(reaction_to(sigusr2, with_descriptor).why == reason::read_by_descriptor);
  CHECK(reaction_to(sigusr2, with_descriptor, now.threads[0]).why == reason::blocked);
  CHECK(reaction_to(sigusr1, now, now.threads[0]) == reaction{effect::pend, reason::blocked});
  CHECK(reaction_to(sigusr1, now, now.threads[1]).what == effect::terminate);
  CHECK(reaction_to(sigusr2, now) == reaction{effect::pend, reason::blocked});
  // The ID of a thread stands for its process.
  CHECK(read_signals(now.threads[1].status.id)->status.id == process.pid());
  send_thread(process.pid(), now.threads[0].status.id, sigusr1);
  const process_signals after = read_signals(process.pid()).value();
  CHECK(after.count_pending(sigusr1) == 1);
  CHECK(after.threads[0].status.pending == signal_set{sigusr1});
  CHECK(after.status.shared_pending.empty());
}

TEST_CASE("process signals: of a first thread that has ended, nothing counts") {
  if (SIGKIT_TESTS_SANITIZE_THREADS) SKIP(own_threads);
  const helper process([] {
    static pthread_t other;
    pthread_sigmask(mask_change::block, {sigusr1});
    ::pthread_create(
        &other, nullptr,
        [](void*) -> void* {
          pthread_sigmask(mask_change::unblock, {sigusr1});
          ::signal(SIGUSR1, &count_it);
          helper::say_ready();
          wait_for_ever();
        },
        nullptr);
    ::syscall(SYS_exit, 0); // this thread alone
  });
  REQUIRE(comes_to(process.pid(), 'Z'));
  const process_signals now = read_signals(process.pid()).value();
  REQUIRE(now.threads.size() == 1);
  CHECK(now.threads.front().status.id != process.pid());
  CHECK(now.status.caught.contains(sigusr1));
  CHECK(now.count_blocking(sigusr1) == 0);
  CHECK(reaction_to(sigusr1, now).what == effect::handler);
}

TEST_CASE("process signals: what a first thread that has ended does not block is dropped") {
  if (SIGKIT_TESTS_SANITIZE_THREADS) SKIP(own_threads);
  const helper process([] {
    static pthread_t other;
    ::signal(SIGHUP, SIG_IGN);
    ::pthread_create(
        &other, nullptr,
        [](void*) -> void* {
          pthread_sigmask(mask_change::block, {sighup, sigwinch, sigusr1});
          helper::say_ready();
          wait_for_ever();
        },
        nullptr);
    ::syscall(SYS_exit, 0);
  });
  REQUIRE(comes_to(process.pid(), 'Z'));
  const process_signals now = read_signals(process.pid()).value();
  CHECK(reaction_to(sighup, now) == reaction{effect::none, reason::ignored});
  CHECK(reaction_to(sigwinch, now) == reaction{effect::none, reason::default_ignored});
  CHECK(reaction_to(sigusr1, now) == reaction{effect::pend, reason::blocked});
  CHECK(reaction_to(sighup, now, now.threads.front()).what == effect::pend);
  for (const signal_id signal : {sighup, sigwinch, sigusr1})
    ::kill(process.pid(), signal.number());
  CHECK(read_status(process.pid())->shared_pending == signal_set{sigusr1});
}

TEST_CASE("process signals: what waits is known where the first thread has ended") {
  if (SIGKIT_TESTS_SANITIZE_THREADS) SKIP(own_threads);
  const helper process([] {
    static pthread_t other;
    pthread_sigmask(mask_change::block, {sigterm, sighup});
    ::pthread_create(
        &other, nullptr,
        [](void*) -> void* {
          const sigset_t set = signal_set{sighup}.to_sigset();
          ::dup2(::signalfd(-1, &set, 0), 200);
          helper::say_ready();
          for (;;)
            sigwaitinfo({sigterm});
        },
        nullptr);
    ::syscall(SYS_exit, 0);
  });
  REQUIRE(comes_to(process.pid(), 'Z'));
  CHECK(test::eventually(
      [&] { return read_signals(process.pid())->awaited() == signal_set{sigterm}; }));
  const process_signals now = read_signals(process.pid()).value();
  CHECK(now.is_complete);
  CHECK(reaction_to(sigterm, now).what == effect::taken);
  CHECK(reaction_to(sighup, now).why == reason::read_by_descriptor);
}

TEST_CASE("process signals: a process that is gone has no descriptors, however far it was read") {
  if (SIGKIT_TESTS_SANITIZE_THREADS) SKIP(own_threads);
  const helper* process = new helper([] {
    helper::say_ready();
    wait_for_ever();
  });
  const std::string path = "/proc/" + std::to_string(process->pid()) + "/";
  unique_fd descriptors(::open((path + "fd").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  unique_fd threads(::open((path + "task").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  REQUIRE(descriptors.has_value());
  CHECK(proc::numbers_in(unique_fd(::fcntl(threads.get(), F_DUPFD_CLOEXEC, 0))).size() == 1);
  delete process; // killed and reaped
  CHECK(proc::numbers_in(std::move(descriptors)).empty());
  CHECK(proc::numbers_in(std::move(threads)).empty());
}

TEST_CASE("process signals: who traces a process decides") {
  const helper process([] {
    ::signal(SIGHUP, SIG_IGN);
    pthread_sigmask(mask_change::block, {sigusr2});
    helper::say_ready();
    wait_for_ever();
  });
  if (::ptrace(PTRACE_SEIZE, process.pid(), nullptr, nullptr) != 0) SKIP("nothing may be traced");
  const process_signals now = read_signals(process.pid()).value();
  CHECK(now.status.tracer == ::getpid());
  CHECK(to_string(reaction_to(sighup, now)) == "its tracer decides"); // although it is ignored
  CHECK(reaction_to(sigterm, now).what == effect::traced);
  CHECK(reaction_to(sigusr2, now).what == effect::pend);
  CHECK(reaction_to(sigkill, now).what == effect::terminate);
  ::kill(process.pid(), SIGHUP);
  int status = 0;
  REQUIRE(::waitpid(process.pid(), &status, __WALL) == process.pid());
  CHECK(WIFSTOPPED(status));
  CHECK(WSTOPSIG(status) == SIGHUP);
}

TEST_CASE("process signals: what has ended gets nothing, and what is gone is nothing") {
  if (SIGKIT_TESTS_SANITIZE_THREADS) SKIP(own_threads);
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  REQUIRE(comes_to(pid, 'Z'));
  const process_signals now = read_signals(pid).value();
  CHECK(now.threads.empty());
  CHECK(to_string(reaction_to(sigkill, now)) == "nothing: it has ended");
  CHECK(now.count_blocking(sigterm) == 0);
  ::waitpid(pid, nullptr, 0);
  CHECK_FALSE(read_signals(pid));
}

TEST_CASE("process signals: PID 1 of a namespace gets what it catches, and KILL from outside") {
  process_signals now;
  now.status.id = 1;
  now.status.is_init = true;
  now.status.caught = {sigterm};
  now.threads.push_back({now.status, {}});
  CHECK(to_string(reaction_to(sighup, now)) == "nothing: PID 1 does not catch it");
  CHECK(reaction_to(sigkill, now) == reaction{effect::none, reason::is_init});
  CHECK(reaction_to(sigterm, now).what == effect::handler);
  now.status.id = 4711; // as it is seen from an outer namespace
  CHECK(reaction_to(sighup, now) == reaction{effect::none, reason::is_init});
  CHECK(reaction_to(sigkill, now).what == effect::terminate);
  CHECK(reaction_to(sigstop, now).what == effect::stop);
}

TEST_CASE("process signals: each outcome has its words") {
  CHECK(to_string(reaction{effect::handler, reason::none}) == "runs its handler");
  CHECK(to_string(reaction{effect::handler, reason::none, true}) ==
        "continues it, runs its handler");
  CHECK(to_string(reaction{effect::terminate, reason::none}) == "terminates it");
  CHECK(to_string(reaction{effect::core, reason::none}) == "terminates it (core)");
  CHECK(to_string(reaction{effect::stop, reason::none}) == "stops it");
  CHECK(to_string(reaction{effect::stop, reason::default_stop}) == "stops it (if not orphaned)");
  CHECK(to_string(reaction{effect::resume, reason::none}) == "continues it");
  CHECK(to_string(reaction{effect::pend, reason::blocked, true}) ==
        "continues it, stays pending: blocked");
  CHECK(to_string(reaction{effect::pend, reason::is_stopped}) == "stays pending: it is stopped");
  CHECK(to_string(reaction{effect::none, reason::ignored}) == "nothing: ignored");
  CHECK(to_string(reaction{effect::none, reason::default_ignored}) ==
        "nothing: ignored by default");
  CHECK(to_string(reaction{effect::none, reason::not_stopped}) == "nothing: it is not stopped");
}

TEST_CASE("signal search: processes are found by what they do with signals") {
  if (SIGKIT_TESTS_SANITIZE_THREADS) SKIP(own_threads);
  const helper process([] {
    ::signal(SIGUSR1, &count_it);
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
