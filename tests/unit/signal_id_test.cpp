#include <doctest/doctest.h>

#include <cstring>

#include <sigkit/signal_id.hpp>

using namespace sigkit;

TEST_CASE("a signal is read by name in any case and by number") {
  for (const char* text : {"TERM", "SIGTERM", "term", "sigTerm", "15", "015"})
    CHECK_MESSAGE(parse_signal(text) == sigterm, text);
  CHECK(parse_signal("IOT") == sigabrt);
  CHECK(parse_signal("CLD") == sigchld);
  CHECK(parse_signal("POLL") == sigio);
  CHECK(parse_signal("0") == signull);
  CHECK(parse_signal("32") == signal_id(32));
}

TEST_CASE("a real-time signal is read by its distance from either end") {
  CHECK(parse_signal("RTMIN") == real_time_min());
  CHECK(parse_signal("SIGRTMIN+3")->number() == SIGRTMIN + 3);
  CHECK(parse_signal("rt3")->number() == SIGRTMIN + 3);
  CHECK(parse_signal("RTMAX-2")->number() == SIGRTMAX - 2);
  CHECK(parse_signal("RTMAX") == real_time_max());
  CHECK(parse_signal("RTMIN+30") == real_time_max());
  CHECK_FALSE(parse_signal("RTMIN+31"));
  CHECK_FALSE(parse_signal("RTMAX-31"));
  CHECK_FALSE(parse_signal("RTMIN-1"));
  CHECK_FALSE(parse_signal("RTMAX+1"));
  CHECK_FALSE(parse_signal("RT"));
  CHECK_FALSE(parse_signal("RTMIN+"));
}

TEST_CASE("what is no signal is refused") {
  for (const char* text : {"", "FOO", "65", "-1", "+1", "1 ", " 1", "1x", "SIG", "SIGSIGTERM",
                           "99999999999999999999", "TER", "TERMX"})
    CHECK_MESSAGE(!parse_signal(text), text);
}

TEST_CASE("every signal is read by the name that it has") {
  for (int number = 1; number <= signal_id::highest; ++number) {
    const signal_id signal(number);
    CHECK_MESSAGE(parse_signal(signal.name()) == signal, number);
    CHECK_MESSAGE(!signal.description().empty(), number);
  }
}

TEST_CASE("the names are those of the C library") {
  for (int number = 1; number < 32; ++number)
    CHECK(signal_id(number).name() ==
          (number == SIGIO ? "IO" : std::string(::sigabbrev_np(number))));
}

TEST_CASE("what can be changed and what terminates is known") {
  CHECK(sigterm.is_changeable());
  CHECK_FALSE(sigkill.is_changeable());
  CHECK_FALSE(sigstop.is_changeable());
  CHECK_FALSE(signull.is_changeable());
  CHECK_FALSE(signal_id(32).is_changeable());
  CHECK(signal_id(33).is_reserved());
  CHECK(sigsegv.terminates());
  CHECK(sigkill.terminates());
  CHECK(real_time_min().terminates());
  CHECK_FALSE(sigchld.terminates());
  CHECK_FALSE(sigtstp.terminates());
  CHECK_FALSE(sigcont.terminates());
  CHECK_FALSE(signull.terminates());
  CHECK(std::strcmp(to_string(sigsegv.action()), "core") == 0);
}

TEST_CASE("a number out of range is no signal") {
  CHECK(signal_id::from_number(64));
  CHECK_FALSE(signal_id::from_number(65));
  CHECK_FALSE(signal_id::from_number(-1));
}
