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
