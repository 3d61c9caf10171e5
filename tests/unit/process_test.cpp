#include <doctest/doctest.h>

#include <unistd.h>

#include <sigkit/process.hpp>

using namespace sigkit;

namespace {
const char* const numbers = " S 7 8 9 34816 8 4194304 1 2 3 4 5 6 7 8 20 0 3 0 12345 1 1 1\n";
}

TEST_CASE("the facts of a process are read from its stat line") {
  const auto facts = parse_process_stat(std::string("42 (sleep)") + numbers);
  REQUIRE(facts);
  CHECK(facts->pid == 42);
  CHECK(facts->name == "sleep");
  CHECK(facts->state == 'S');
  CHECK(facts->parent == 7);
  CHECK(facts->group == 8);
  CHECK(facts->session == 9);
  CHECK(facts->threads == 3);
  CHECK(facts->start_time == 12345);
}

TEST_CASE("a process may call itself what it likes") {
  const std::string name = ") R 1 (x)\n) S 1";
  const auto facts = parse_process_stat("42 (" + name + ")" + numbers);
  REQUIRE(facts);
  CHECK(facts->name == name);
  CHECK(facts->parent == 7);
  CHECK(parse_process_stat(std::string("42 ()") + numbers)->name.empty());
}

TEST_CASE("what is no stat line is refused") {
  for (const char* text : {"", "42", "42 (a", "42 a) S 1", "x (a) S 1 2 3", "42 (a) S", "(a) S",
                           "42 (a) SS 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"})
    CHECK_MESSAGE(!parse_process_stat(text), text);
}

TEST_CASE("this process is found in proc") {
  CHECK(proc_is_usable());
  const auto self = read_process(::getpid());
  REQUIRE(self);
  CHECK(self->pid == ::getpid());
  CHECK(self->parent == ::getppid());
  CHECK(self->state == 'R');
  CHECK_FALSE(read_process(0x7fffffff));
}
