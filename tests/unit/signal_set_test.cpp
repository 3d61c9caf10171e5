#include <doctest/doctest.h>

#include <vector>

#include <sigkit/signal_set.hpp>

using namespace sigkit;

TEST_CASE("a set holds what was put in and gives it back in order") {
  signal_set set{sigterm, sighup};
  set.insert(signal_id(64));
  set.insert(signal_id(0));
  set.insert(signal_id(65));
  CHECK(set.size() == 3);
  CHECK(std::vector<signal_id>(set.begin(), set.end()) ==
        std::vector<signal_id>{sighup, sigterm, signal_id(64)});
  set.erase(sigterm);
  CHECK_FALSE(set.contains(sigterm));
  CHECK(set.contains(sighup));
  CHECK_FALSE(set.contains(signal_id(0)));
}

TEST_CASE("a set goes to sigset_t and back with the signals of the C library") {
  const signal_set set{sigint, signal_id(32), signal_id(33), signal_id(64)};
  const sigset_t native = set.to_sigset();
  CHECK(::sigismember(&native, SIGINT) == 1);
  CHECK(::sigismember(&native, SIGTERM) == 0);
  CHECK(signal_set::from_sigset(native) == set);
  CHECK(set.mask() == 0x8000000180000002);
}

TEST_CASE("sets are united, cut and subtracted") {
  const signal_set a{sighup, sigint};
  const signal_set b{sigint, sigterm};
  CHECK((a | b) == signal_set{sighup, sigint, sigterm});
  CHECK((a & b) == signal_set{sigint});
  CHECK((a - b) == signal_set{sighup});
  CHECK(signal_set::all().size() == 64);
  CHECK(signal_set::changeable().size() == 60);
}

TEST_CASE("a list of signals is read") {
  CHECK(parse_signal_set("INT,term,1") == signal_set{sigint, sigterm, sighup});
  CHECK(parse_signal_set("all") == signal_set::changeable());
  CHECK(to_string(*parse_signal_set("TERM,INT")) == "INT,TERM");
}

TEST_CASE("what is no list of signals is refused with the reason") {
  std::string why;
  CHECK_FALSE(parse_signal_set("INT,FOO", &why));
  CHECK(why == "'FOO': invalid signal");
  CHECK_FALSE(parse_signal_set("KILL", &why));
  CHECK(why == "'KILL': cannot be caught, blocked or ignored");
  CHECK_FALSE(parse_signal_set("0", &why));
  CHECK_FALSE(parse_signal_set("32", &why));
  CHECK_FALSE(parse_signal_set(""));
  CHECK_FALSE(parse_signal_set("INT,"));
  CHECK_FALSE(parse_signal_set(",INT"));
  CHECK_FALSE(parse_signal_set("all,INT"));
}
