// A program of somebody else, with a C++ run-time of its own beside the one in the library.
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <system_error>

#include <sigkit/sigkit.hpp>

namespace {

bool good = true;

void check(bool holds, const char* what) {
  if (holds) return;
  std::printf("does not hold: %s\n", what);
  good = false;
}

/// Errors are exceptions of this program's run-time.
void errors() {
  try {
    sigkit::set_ignored(sigkit::sigkill);
    check(false, "an error is thrown");
  } catch (const std::system_error& error) {
    check(error.code() == std::errc::invalid_argument, "the category is this program's");
    check(error.code().category() == std::system_category(), "and its object the same");
    check(std::strstr(error.what(), "sigaction(2) of signal KILL") != nullptr, "what() says it");
    check(dynamic_cast<const sigkit::error*>(&error) != nullptr, "the type is the library's");
  }
  check(std::uncaught_exceptions() == 0, "no exception is counted as uncaught");
}

void values() {
  check(sigkit::parse_signal("RTMIN+1")->name() == "RTMIN+1", "signals are parsed and named");
  check(sigkit::to_string(*sigkit::parse_signal_set("INT,TERM")) == "INT,TERM", "so are sets");
  check(sigkit::parse_duration("1m30s") == std::chrono::seconds(90), "and durations");
}

/// What sigtimeout does, in a few lines.
void limit_a_command() {
  char shell[] = "sh", option[] = "-c", script[] = "(setsid sleep 1000 &); sleep 1000";
  char* const command[] = {shell, option, script, nullptr};
  sigkit::supervise_options options;
  options.limit = std::chrono::milliseconds(100);
  options.reach = sigkit::scope::tree;
  const sigkit::supervise_result result = sigkit::supervisor(options).run(command);
  check(result.how == sigkit::outcome::timed_out, "the limit is reached");
  check(result.survivors.empty(), "nothing survives");
}

/// What handlers throw goes through this program alone, never through the library.
void handlers() {
  struct thrown {};
  sigkit::set_handler(sigkit::sigusr1, [](auto, const sigkit::signal_info&) { throw thrown(); });
  sigkit::send(::getpid(), sigkit::sigusr1);
  bool caught = false;
  try {
    sigkit::sleep_for(std::chrono::seconds(20));
  } catch (const thrown&) {
    caught = true;
  }
  check(caught, "what a handler throws comes out of the wait");
  sigkit::set_handler(sigkit::sigusr1, sigkit::handler::by_default());

  int calls = 0;
  {
    const sigkit::scoped_handler set(sigkit::sigalrm, [&](auto, const auto&) { ++calls; });
    sigkit::setitimer(sigkit::itimer::real, std::chrono::milliseconds(1));
    sigkit::pause();
  }
  check(calls == 1, "a timer calls its handler once");
  try {
    sigkit::setitimer(sigkit::itimer::real, std::chrono::seconds(-1));
  } catch (const sigkit::error& refused) {
    check(dynamic_cast<const sigkit::itimer_error*>(&refused) != nullptr, "itimer_error is a kind");
  }
}

} // namespace

int main() {
  errors();
  values();
  handlers();
  limit_a_command();
  return good ? 0 : 1;
}
