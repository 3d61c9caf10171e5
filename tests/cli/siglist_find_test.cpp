// siglist over all processes.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include <sigkit/sigkit.hpp>

#include "cli/siglist.hpp"

using namespace sigkit;
using namespace test;

TEST_CASE("siglist --find and -p agree about one whose first thread has ended") {
  child process({probe, "threads"});
  process.wait_for_line("ready");
  REQUIRE(eventually([&] { return read_process(process.pid())->state == 'Z'; }));
  const std::string pid = word(process.pid());
  const json one = json::parse(siglist({"--json", "-p", pid}).out)["processes"][0];
  CHECK(one["state"] != "Z");
  CHECK(one["thread_count"] == 2);
  const json all = json::parse(siglist({"--json", "--find", "--name", "^probe$"}).out)["processes"];
  const auto found =
      std::ranges::find_if(all, [&](const json& each) { return each["pid"] == process.pid(); });
  REQUIRE(found != all.end());
  CHECK((*found)["state"] != "Z");
  CHECK((*found)["thread_count"] == 2);
}

TEST_CASE("siglist --find finds processes by each condition, and all of them together") {
  const known_process process;
  const std::string pid = word(process.pid());
  const auto finds = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"--find", "--plain", "--name", "^probe$"});
    for (const std::string& line : lines_of(siglist(words).out))
      if (line.starts_with(pid + "\t")) return true;
    return false;
  };
  CHECK(finds({}));
  CHECK(finds({"--catching", "TERM"}));
  CHECK_FALSE(finds({"--catching", "INT"}));
  CHECK(finds({"--catching", "INT,TERM"}));
  CHECK_FALSE(finds({"--catching", "INT", "--catching", "TERM"}));
  CHECK(finds({"--catching", "RTMIN+1", "--catching", "TERM"}));
  CHECK(finds({"--ignoring", "HUP"}));
  CHECK_FALSE(finds({"--ignoring", "TERM"}));
  CHECK(finds({"--blocking", "USR1"}));
  CHECK_FALSE(finds({"--blocking", "HUP"}));
  CHECK(finds({"--pending", "all"}));
  CHECK_FALSE(finds({"--pending", "USR1"}));
  CHECK(finds({"--user", word(static_cast<pid_t>(::geteuid()))}));
  CHECK_FALSE(finds({"--user", "4294967294"}));
  CHECK(finds(
      {"--catching", "TERM", "--ignoring", "HUP", "--blocking", "USR2", "--pending", "USR2"}));
  CHECK_FALSE(finds({"--catching", "TERM", "--ignoring", "PIPE"}));
  CHECK_FALSE(finds({"--name", "other"}));
  const auto none = siglist({"--find", "--name", "^no such process$"});
  CHECK(none.status == exit_status::exited(1));
  CHECK(none.out.empty());
  CHECK(none.err.empty());
}

TEST_CASE("siglist --find has a row each: masks for scripts, names for a person") {
  const known_process process;
  const std::string pid = word(process.pid());
  const auto status = read_status(process.pid());
  std::ostringstream masks;
  for (const signal_set set : {status->shared_pending, status->pending, status->blocked,
                               status->blocked, status->ignored, status->caught}) {
    masks << "\t0x" << std::hex;
    masks.width(16);
    masks.fill('0');
    masks << set.mask();
  }
  const std::string user = ::geteuid() == 0 ? "root" : run({"id", "-un"}).out;
  CHECK(line_with(siglist({"--find", "--plain"}).out, pid + "\t") ==
        pid + "\t" + user.substr(0, user.find('\n')) + "\tprobe\t1" + masks.str());
  const auto text = siglist({"--find", "--pending", "USR2", "--name", "^probe$"});
  CHECK(text.status == exit_status::exited(0));
  CHECK(contains(text.out, "  probe  pending USR2; blocks USR1 USR2; ignores HUP; catches "));
  CHECK(lines_of(text.out)[0].ends_with("USER  NAME   SIGNALS"));
  const json document = json::parse(siglist({"--find", "--json", "--name", "^probe$"}).out);
  CHECK(document["schema"] == "sigkit.siglist.found/1");
  const auto& found = document["processes"];
  const auto one =
      std::ranges::find_if(found, [&](const json& each) { return each["pid"] == process.pid(); });
  REQUIRE(one != found.end());
  CHECK((*one)["blocked"] == json{"USR1", "USR2"});
  CHECK((*one)["pending"] == json{"USR2"});
  CHECK((*one)["ignored"] == json{"HUP"});
}

TEST_CASE("siglist --find says the same as ps") {
  if (run({"sh", "-c", "command -v ps"}).status != exit_status::exited(0)) SKIP("there is no ps");
  const known_process process;
  child partly({probe, "part", "USR1"});
  partly.wait_for_line("ready");
  REQUIRE(eventually([&] { return read_status(partly.pid())->blocked.empty(); }));
  // What ps says before and after, which is then so in between. It knows the first thread's mask.
  const std::string script = R"(
    cd "$2" || exit
    look() { ps -eo pid=,pending=,blocked=,ignored=,caught= | tr -s ' ' | sed 's/^ //' | sort; }
    look >before
    "$1" --find --plain >found
    look >after
    comm -12 before after | while read -r pid pending blocked ignored caught; do
      row=$(grep "^$pid	" found) || continue
      set -- $(printf '%s\n' "$row" | cut -f4-)
      [ "$1" = 1 ] || set -- "$1" "0x$pending" _ "0x$blocked" _ "$6" "$7"
      [ "$2 $4 $6 $7" = "0x$pending 0x$blocked 0x$ignored 0x$caught" ] && echo "same $pid" ||
        echo "$pid: $pending $blocked $ignored $caught, here $*"
    done)";
  const temporary_directory directory;
  CHECK(eventually([&] {
    const auto result = run({"sh", "-c", script, "-", program("siglist"), directory.path()});
    const std::string differing = result.out;
    CAPTURE(differing);
    return !contains(result.out, ": ") &&
           contains(result.out, "same " + word(process.pid()) + "\n") &&
           contains(result.out, "same " + word(partly.pid()) + "\n");
  }));
}
