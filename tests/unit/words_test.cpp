#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "common/message.hpp"
#include "common/words.hpp"

using namespace sigkit::apps;

namespace {

using takes = option_shape::value;

const std::vector<option_shape> shapes{
    {"foreground", 'f', takes::none, true},     {"signal", 's', takes::required, true},
    {"kill-after", 'k', takes::required, true}, {"scope", '\0', takes::required, false},
    {"diagnose", 'd', takes::optional, false},  {"", 'n', takes::required, false},
    {"version", '\0', takes::none, true},       {"verbose", 'v', takes::none, true},
    {"tree", '\0', takes::none, false},         {"timeout", '\0', takes::none, false},
    {"help", '\0', takes::none, true}};

struct sorted_words {
  std::vector<std::string> options;
  std::vector<std::string> operands;
  bool operator==(const sorted_words&) const = default;
};

sorted_words read(std::vector<std::string> input, const grammar& rules = {true, {}}) {
  std::vector<char*> pointers;
  for (std::string& word : input)
    pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const normal_words result = normalise(shapes, pointers.data(), rules);
  return {result.options, {result.operands.begin(), result.operands.end()}};
}

std::string refusal(std::vector<std::string> input) {
  try {
    read(std::move(input));
  } catch (const usage_error& wrong) {
    return wrong.what();
  }
  return "accepted";
}

} // namespace

TEST_CASE("options are read up to the first operand") {
  CHECK(read({"-f", "5", "cmd", "-f", "--tree"}) ==
        sorted_words{{"--foreground"}, {"5", "cmd", "-f", "--tree"}});
  CHECK(read({"--", "-1", "cmd"}) == sorted_words{{}, {"-1", "cmd"}});
  CHECK(read({"5", "--", "cmd"}) == sorted_words{{}, {"5", "--", "cmd"}});
  CHECK(read({"-", "x"}) == sorted_words{{}, {"-", "x"}});
}

TEST_CASE("options are read between operands where the program wants it") {
  const grammar between{false, {}};
  CHECK(read({"a", "-f", "b", "--", "-f"}, between) ==
        sorted_words{{"--foreground"}, {"a", "b", "-f"}});
}

TEST_CASE("short options cluster and take attached values") {
  CHECK(read({"-fs0", "-k.1"}) ==
        sorted_words{{"--foreground", "--signal=0", "--kill-after=.1"}, {}});
  CHECK(read({"-fs", "TERM", "1"}) == sorted_words{{"--foreground", "--signal=TERM"}, {"1"}});
  CHECK(read({"-n5"}) == sorted_words{{"-n5"}, {}});
  CHECK(read({"-s", "-k"}) == sorted_words{{"--signal=-k"}, {}});
}

TEST_CASE("long options take values in both ways and may be abbreviated") {
  CHECK(read({"--signal=TERM", "--signal", "INT"}) ==
        sorted_words{{"--signal=TERM", "--signal=INT"}, {}});
  CHECK(read({"--sig=9", "--k", "1"}) == sorted_words{{"--signal=9", "--kill-after=1"}, {}});
  CHECK(read({"--signal=a=b"}) == sorted_words{{"--signal=a=b"}, {}});
}

TEST_CASE("an abbreviation that fits one classic option means that one") {
  CHECK(read({"--s", "9"}) == sorted_words{{"--signal=9"}, {}});
}

TEST_CASE("an optional value is taken only after an equals sign") {
  CHECK(read({"--diagnose", "x"}) == sorted_words{{"--diagnose"}, {"x"}});
  CHECK(read({"--diagnose=x"}) == sorted_words{{"--diagnose=x"}, {}});
  CHECK(read({"-dv", "x"}) == sorted_words{{"--diagnose", "--verbose"}, {"x"}});
}

TEST_CASE("a pair of values stands for another option") {
  option_shape pair{"timeout", '\0', takes::pair, true};
  pair.join = [](std::string_view first, std::string_view second) {
    return "--then=" + std::string(first) + ":" + std::string(second);
  };
  std::vector<std::string> input{"--timeout", "5", "KILL", "--time=6", "INT", "x"};
  std::vector<char*> pointers;
  for (std::string& word : input)
    pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const normal_words result = normalise({pair}, pointers.data(), {false, {}});
  CHECK(result.options == std::vector<std::string>{"--then=5:KILL", "--then=6:INT"});
  CHECK(result.operands.size() == 1);
  pointers[2] = nullptr;
  CHECK_THROWS_WITH_AS(normalise({pair}, pointers.data(), {false, {}}),
                       "option '--timeout' requires two arguments", usage_error);
}

TEST_CASE("help ends the reading and whatever is wrong after it") {
  CHECK(read({"-f", "--help", "--nonsense"}) == sorted_words{{"--help"}, {}});
}

TEST_CASE("what is no option is refused as getopt_long does") {
  CHECK(refusal({"--foo"}) == "unrecognized option '--foo'");
  CHECK(refusal({"-z"}) == "invalid option -- 'z'");
  CHECK(refusal({"-fz"}) == "invalid option -- 'z'");
  CHECK(refusal({"-k"}) == "option requires an argument -- 'k'");
  CHECK(refusal({"--signal"}) == "option '--signal' requires an argument");
  CHECK(refusal({"--foreground=1"}) == "option '--foreground' doesn't allow an argument");
  CHECK(refusal({"--t"}) == "option '--t' is ambiguous; possibilities: '--tree' '--timeout'");
  CHECK(refusal({"--v"}) == "option '--v' is ambiguous; possibilities: '--version' '--verbose'");
  CHECK(refusal({"--signal="}) == "option '--signal': the value is empty");
  CHECK(refusal({"-s", ""}) == "option '--signal': the value is empty");
  CHECK(refusal({"--\x1b[2J"}) == "unrecognized option '--\\x1b[2J'");
}
