#include <doctest/doctest.h>

#include "common/table.hpp"
#include "common/text.hpp"

using namespace sigkit::apps;
using namespace std::chrono_literals;

TEST_CASE("a table aligns its columns, numbers to the right") {
  table rows({{"PID", true}, {"USER"}, {"COMMAND"}});
  rows.add({"7", "root", "init"});
  rows.add({"4711", "jürgen", "sleep 10"});
  CHECK(rows.text(0) == " PID  USER    COMMAND\n"
                        "   7  root    init\n"
                        "4711  jürgen  sleep 10\n");
}

TEST_CASE("a table cuts its last column to the line, but leaves some of it") {
  table rows({{"PID", true}, {"COMMAND"}});
  rows.add({"4711", "a command that is longer than the line"});
  CHECK(rows.text(32) == " PID  COMMAND\n"
                         "4711  a command that is longer …\n");
  CHECK(rows.text(4) == " PID  COMMAND\n"
                        "4711  a command that is l…\n");
  CHECK(rows.text(200).ends_with("longer than the line\n"));
}

TEST_CASE("what is no terminal has no width") {
  CHECK(terminal_width(-1) == 0);
}

TEST_CASE("command lines are shown with quotes where they need them") {
  CHECK(command_text({"sh", "-c", "a b"}, "sh") == "sh -c 'a b'");
  CHECK(command_text({}, "kthreadd") == "[kthreadd]");
  CHECK(command_text({"a\nb", ""}, "x") == "a\\nb ''");
}

TEST_CASE("lengths are shown with two or three digits") {
  CHECK(length_text(250ms) == "0.25s");
  CHECK(length_text(12500ms) == "12.5s");
  CHECK(length_text(312s) == "5m12s");
  CHECK(length_text(53h) == "2d5h");
}

TEST_CASE("rows have colors where these are wanted, and columns stay aligned") {
  table rows({{"PID", true}, {"COMMAND"}});
  rows.add({"7", "init"}, emphasis::failure);
  rows.add({"4711", "sleep"});
  CHECK(rows.text(0, true) == " PID  COMMAND\n"
                              "\x1b[31m   7  init\x1b[0m\n"
                              "4711  sleep\n");
  CHECK_FALSE(rows.text(0).find('\x1b') != std::string::npos);
  CHECK(uses_colors(color_choice::always, -1));
  CHECK_FALSE(uses_colors(color_choice::automatic, -1));
  CHECK_FALSE(uses_colors(color_choice::never, 1));
}
