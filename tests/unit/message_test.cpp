#include <doctest/doctest.h>

#include <csignal>

#include "common/message.hpp"

using namespace sigkit::apps;

TEST_CASE("no control character of somebody else's text is shown") {
  CHECK(escaped("sleep") == "sleep");
  CHECK(escaped("a\x1b[31mb") == "a\\x1b[31mb");
  CHECK(escaped("a\nb\tc\\d") == "a\\nb\\tc\\\\d");
  CHECK(escaped("\x7f\x01") == "\\x7f\\x01");
  CHECK(escaped("na\xc3\xafve \xe2\x82\xac") == "na\xc3\xafve \xe2\x82\xac");
  CHECK(escaped("\xc2\x9b"
                "31m") == "\\xc2\\x9b31m"); // a control character in UTF-8
  CHECK(escaped("\x9b\xff") == "\\x9b\\xff");
  CHECK(escaped("\u061c") == "\\xd8\\x9c");
  CHECK(escaped("\u202ea\u2066\u200f\u2028") ==
        "\\xe2\\x80\\xaea\\xe2\\x81\\xa6\\xe2\\x80\\x8f\\xe2\\x80\\xa8"); // turn what follows
  CHECK(escaped("\u2030\u2010") == "\u2030\u2010");
  CHECK(in_quotes("it") == "'it'");
}

TEST_CASE("a program is called by the last part of its name") {
  set_program_name("/usr/bin/timeout");
  CHECK(program_name() == "timeout");
  set_program_name("kill");
  CHECK(program_name() == "kill");
}

TEST_CASE("a sender that is no process is said in words") {
  CHECK(sender_text(SI_KERNEL, 0, 0) == "the terminal or the kernel");
  CHECK(sender_text(SI_USER, 0, 0) == "outside this PID namespace");
}
