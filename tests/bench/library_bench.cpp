// What the library's calls cost, with Google Benchmark. Where a call is little more than a system
// call, that stands beside it.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <vector>

#include <benchmark/benchmark.h>

#include <sigkit/sigkit.hpp>

namespace {

void check(bool holds, benchmark::State& state) {
  if (!holds) state.SkipWithError("it does not do what it should");
}

void parse_signal(benchmark::State& state) {
  for (auto _ : state)
    benchmark::DoNotOptimize(sigkit::parse_signal("SIGTERM"));
}
BENCHMARK(parse_signal);

void parse_real_time_signal(benchmark::State& state) {
  for (auto _ : state)
    benchmark::DoNotOptimize(sigkit::parse_signal("RTMIN+3"));
}
BENCHMARK(parse_real_time_signal);

void name_of_signal(benchmark::State& state) {
  for (auto _ : state)
    benchmark::DoNotOptimize(sigkit::sigterm.name());
}
BENCHMARK(name_of_signal);

void parse_duration(benchmark::State& state) {
  for (auto _ : state)
    benchmark::DoNotOptimize(sigkit::parse_duration("1h30m5s"));
}
BENCHMARK(parse_duration);

void parse_decimal_duration(benchmark::State& state) {
  for (auto _ : state)
    benchmark::DoNotOptimize(sigkit::parse_duration("2.5"));
}
BENCHMARK(parse_decimal_duration);

void block_and_restore(benchmark::State& state) {
  for (auto _ : state)
    const sigkit::scoped_mask blocked(sigkit::mask_change::block, {sigkit::sigterm});
}
BENCHMARK(block_and_restore);

void block_and_restore_by_system_calls(benchmark::State& state) {
  sigset_t term, before;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  for (auto _ : state) {
    ::sigprocmask(SIG_BLOCK, &term, &before);
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
  }
}
BENCHMARK(block_and_restore_by_system_calls);

void get_disposition(benchmark::State& state) {
  for (auto _ : state)
    benchmark::DoNotOptimize(sigkit::get_disposition(sigkit::sigterm));
}
BENCHMARK(get_disposition);

void send_nothing_by_pidfd(benchmark::State& state) {
  for (auto _ : state) {
    const auto self = sigkit::pidfd::open(::getpid());
    check(self && self->send(sigkit::signull) == sigkit::delivery::sent, state);
  }
}
BENCHMARK(send_nothing_by_pidfd);

void send_nothing_by_pid(benchmark::State& state) {
  for (auto _ : state)
    check(::kill(::getpid(), 0) == 0, state);
}
BENCHMARK(send_nothing_by_pid);

void dispatch_nothing(benchmark::State& state) {
  for (auto _ : state)
    benchmark::DoNotOptimize(sigkit::dispatch());
}
BENCHMARK(dispatch_nothing);

/// From the signal to the call of its handler.
void deliver_to_handler(benchmark::State& state) {
  int calls = 0;
  const sigkit::scoped_handler counting(
      sigkit::sigusr1, [&calls](sigkit::signal_id, const sigkit::signal_info&) { ++calls; });
  int raised = 0;
  for (auto _ : state) {
    ::raise(SIGUSR1);
    ++raised;
    sigkit::dispatch();
  }
  check(calls == raised, state);
}
BENCHMARK(deliver_to_handler);

void deliver_by_system_calls(benchmark::State& state) {
  static volatile sig_atomic_t calls = 0;
  struct sigaction counting {};
  struct sigaction before {};
  counting.sa_handler = [](int) { calls = calls + 1; };
  ::sigaction(SIGUSR1, &counting, &before);
  for (auto _ : state)
    ::raise(SIGUSR1);
  ::sigaction(SIGUSR1, &before, nullptr);
}
BENCHMARK(deliver_by_system_calls);

void facts_of_a_process(benchmark::State& state) {
  for (auto _ : state)
    check(sigkit::read_process(::getpid()).has_value(), state);
}
BENCHMARK(facts_of_a_process);

void signals_of_a_process(benchmark::State& state) {
  for (auto _ : state)
    check(sigkit::read_status(::getpid()).has_value(), state);
}
BENCHMARK(signals_of_a_process);

/// Children that sleep, as many as the range says.
class family {
public:
  explicit family(benchmark::State& state) {
    for (auto i = state.range(0); i > 0; --i) {
      const pid_t child = ::fork();
      if (child == 0) sleep_for_a_minute();
      if (child > 0) children_.push_back(child);
    }
    check(children_.size() == static_cast<std::size_t>(state.range(0)), state);
  }
  family(const family&) = delete;
  family& operator=(const family&) = delete;
  ~family() {
    for (const pid_t child : children_)
      ::kill(child, SIGKILL);
    for (const pid_t child : children_)
      ::waitpid(child, nullptr, 0);
  }

private:
  [[noreturn]] static void sleep_for_a_minute() {
    ::alarm(60);
    for (;;)
      ::pause();
  }

  std::vector<pid_t> children_;
};

void walk_over_a_tree(benchmark::State& state) {
  const family children(state);
  for (auto _ : state)
    check(sigkit::descendants(::getpid()).size() >= static_cast<std::size_t>(state.range(0)),
          state);
}
BENCHMARK(walk_over_a_tree)->Arg(1)->Arg(100);

void spawn_and_wait(benchmark::State& state) {
  char program[] = SIGKIT_ONE_PAGE;
  char* const command[] = {program, nullptr};
  for (auto _ : state) {
    const auto started = sigkit::spawn(command);
    int status = -1;
    check(started.process && ::waitpid(started.process->pid(), &status, 0) > 0 && status == 0,
          state);
  }
}
BENCHMARK(spawn_and_wait)->UseRealTime();

} // namespace

BENCHMARK_MAIN();
