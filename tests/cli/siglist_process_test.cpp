// siglist about processes whose signals are known.
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
#include "support/terminal.hpp"

using namespace sigkit;
using namespace test;

namespace {

const std::string probe = program("probe");

std::string word(pid_t pid) {
  return std::to_string(pid);
}

/// Ignores HUP, blocks USR1 and USR2, has USR2 pending, and catches TERM.
class known_process : public child {
public:
  known_process()
      : child({probe, "handle", "TERM,RTMIN+1"},
              {.environment = {},
               .before_exec =
                   [] {
                     for (const signal_id signal : signal_set::changeable())
                       set_default(signal);
                     set_ignored(sighup);
                     pthread_sigmask(mask_change::set, {sigusr1, sigusr2});
                   },
               .argv0 = {}}) {
    wait_for_line("ready");
    REQUIRE(eventually([this] { return read_process(pid())->state == 'S'; }));
    REQUIRE(::kill(pid(), SIGUSR2) == 0);
  }
};

/// What is read from stdin never comes, and never ends.
void read_for_ever() {
  int ends[2];
  if (::pipe(ends) == 0) ::dup2(ends[0], 0);
}

/// 0 where there is none.
pid_t child_of(pid_t parent, const std::string& name) {
  for (const process_facts& one : all_processes())
    if (one.parent == parent && one.name == name) return one.pid;
  return 0;
}

/// Another screen, without a cursor and wrapped lines; and the usual one.
constexpr std::string_view enters = "\x1b[?1049h\x1b[?25l\x1b[?7l";
constexpr std::string_view leaves = "\x1b[?7h\x1b[?25h\x1b[?1049l";

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);)
    lines.push_back(line);
  return lines;
}

std::vector<std::string> split(std::string text, const std::string& separator) {
  std::vector<std::string> parts;
  for (std::size_t end = text.find(separator); end != std::string::npos;
       end = text.find(separator)) {
    parts.push_back(text.substr(0, end));
    text.erase(0, end + separator.size());
  }
  parts.push_back(text);
  return parts;
}

/// The lines that begin so, one after the other.
std::string lines_with(const std::string& text, const std::string& start) {
  std::string result;
  for (const std::string& line : lines_of(text))
    if (line.starts_with(start)) result += line + "\n";
  return result;
}

/// The first of them.
std::string line_with(const std::string& text, const std::string& start) {
  for (const std::string& line : lines_of(text))
    if (line.starts_with(start)) return line;
  return {};
}

/// Of a sanitizer, or the C library, whatever they handle for themselves.
bool is_own(const std::string& line) {
  for (const char* name : {"\tSEGV\t", "\tBUS\t", "\tFPE\t", "\tILL\t", "\tABRT\t"})
    if (contains(line, name)) return true;
  return false;
}

std::string without_own(const std::string& plain) {
  std::string result;
  for (const std::string& line : lines_of(plain))
    if (!is_own(line)) result += line + "\n";
  return result;
}

} // namespace

TEST_CASE("siglist -p shows each signal that is not usual, and what would happen") {
  const known_process process;
  const auto result = siglist({"-p", word(process.pid()), "--plain"});
  CHECK(result.status == exit_status::exited(0));
  CHECK(result.err.empty());
  const std::string limit = std::to_string(read_status(process.pid())->queue_limit);
  std::string queued;
  for (const std::string& line : lines_of(without_own(result.out))) {
    CHECK(line.starts_with(word(process.pid()) + "\t-\tprobe\t"));
    CHECK(contains(line, "\t" + limit + "\t"));
    queued = line.substr(line.find(limit) + limit.size() + 1);
    CAPTURE(queued);
    CHECK((queued == "1\tHUP\tignored\t-\t-\tnothing: ignored" ||
           queued == "10\tUSR1\tdefault\tblocked\t-\tstays pending: blocked" ||
           queued == "12\tUSR2\tdefault\tblocked\tprocess\tstays pending: blocked" ||
           queued == "15\tTERM\tcaught\t-\t-\truns its handler" ||
           queued == "35\tRTMIN+1\tcaught\t-\t-\truns its handler"));
  }
  CHECK(std::ranges::count(without_own(result.out), '\n') == 5);
}

TEST_CASE("siglist -p is readable: a heading, columns, the unusual first to see") {
  const known_process process;
  const auto result = siglist({"-p", word(process.pid())});
  const auto lines = lines_of(result.out);
  REQUIRE(lines.size() >= 7);
  CHECK(lines[0].starts_with(word(process.pid()) + " probe, of "));
  CHECK(contains(lines[0], ", sleeping; "));
  CHECK(contains(lines[0], " signals queued"));
  CHECK(lines[1] == "    NAME     DISPOSITION  BLOCKED  PENDING  SENT NOW");
  CHECK(line_with(result.out, " 1 ") ==
        " 1  HUP      ignored                        nothing: ignored");
  CHECK(line_with(result.out, "12 ") ==
        "12  USR2     default      blocked  process  stays pending: blocked");
  CHECK(line_with(result.out, "15 ") ==
        "15  TERM     caught                         runs its handler");
  const auto colored = siglist({"--color=always", "-p", word(process.pid())});
  CHECK(contains(colored.out, "\x1b[33m12  USR2 "));
  CHECK(contains(colored.out, "\x1b[2m 1  HUP "));
  CHECK_FALSE(contains(colored.out, "\x1b[33m15 "));
}

TEST_CASE("siglist -p --every shows all 64 signals, those that are usual too") {
  const known_process process;
  const auto result = siglist({"-p", word(process.pid()), "--every", "--plain"});
  CHECK(std::ranges::count(result.out, '\n') == 64);
  CHECK(contains(result.out, "\t2\tINT\tdefault\t-\t-\tterminates it\n"));
  CHECK(contains(result.out, "\t3\tQUIT\tdefault\t-\t-\tterminates it (core)\n"));
  CHECK(contains(result.out, "\t9\tKILL\tdefault\t-\t-\tterminates it\n"));
  CHECK(contains(result.out, "\t17\tCHLD\tdefault\t-\t-\tnothing: ignored by default\n"));
  CHECK(contains(result.out, "\t19\tSTOP\tdefault\t-\t-\tstops it\n"));
  CHECK(contains(result.out, "\t32\t32\tdefault\t-\t-\tterminates it\n"));
}

TEST_CASE("siglist -p says how full the queue is") {
  child process({probe, "hold", "RTMIN+2"});
  process.wait_for_line("ready");
  for (int value = 0; value < 3; ++value)
    queue(process.pid(), signal_id(SIGRTMIN + 2), value);
  const json document = json::parse(siglist({"--json", "-p", word(process.pid())}).out);
  CHECK(document["schema"] == "sigkit.siglist.processes/1");
  const json& one = document["processes"][0];
  CHECK(one["pid"] == process.pid());
  CHECK(one["name"] == "probe");
  CHECK(one["uid"] == ::geteuid());
  CHECK(one["queued"] >= 3);
  CHECK(one["queue_limit"] >= one["queued"]);
  CHECK(one["complete"] == true);
  const auto found = std::ranges::find_if(
      one["signals"], [](const json& signal) { return signal["name"] == "RTMIN+2"; });
  REQUIRE(found != one["signals"].end());
  CHECK(*found == json::parse(R"({"number": 36, "name": "RTMIN+2", "disposition": "default",
      "blocked": true, "blocking_threads": 1, "pending_process": true, "pending_threads": 0,
      "awaited": false, "outcome": "stays pending: blocked"})"));
}

TEST_CASE("siglist -p takes several processes, as words, lists and options") {
  const known_process first;
  const known_process second;
  const auto pids = [](const std::string& out) {
    std::vector<std::string> result;
    for (const std::string& line : lines_of(out)) {
      const std::string pid = line.substr(0, line.find('\t'));
      if (result.empty() || result.back() != pid) result.push_back(pid);
    }
    return result;
  };
  const std::vector<std::string> both{word(first.pid()), word(second.pid())};
  CHECK(pids(siglist({"--plain", "-p", both[0], both[1]}).out) == both);
  CHECK(pids(siglist({"--plain", "-p" + both[0] + "," + both[1]}).out) == both);
  CHECK(pids(siglist({"--plain", "--pid=" + both[0], "-p", both[1]}).out) == both);
  const auto text = siglist({"-p", both[0], both[1]});
  CHECK(contains(text.out, "\n\n" + both[1] + " probe, of "));
}

TEST_CASE("siglist -p names what does not exist, and shows the rest") {
  const known_process process;
  const auto result =
      siglist({"-p", "0", word(process.pid()), "4194305", "99999999999999999999", "--plain"});
  CHECK(result.status == exit_status::exited(1));
  CHECK(result.err == "siglist: '0': No such process\nsiglist: '4194305': No such process\n"
                      "siglist: '99999999999999999999': No such process\n");
  CHECK(std::ranges::count(without_own(result.out), '\n') == 5);
  const auto none = siglist({"-p", "4194305"});
  CHECK(none.status == exit_status::exited(1));
  CHECK(none.out.empty());
  CHECK(json::parse(siglist({"--json", "-p", "4194305"}).out)["processes"].empty());
}

TEST_CASE("siglist -p of processes that end while they are read never fails otherwise") {
  const std::string script = "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.0$i & echo $!; done";
  for (int round = 0; round < 20; ++round) {
    const auto pids = lines_of(run({"sh", "-c", script + " 2>/dev/null"}).out);
    std::vector<std::string> words{"--plain", "--threads", "-p"};
    words.insert(words.end(), pids.begin(), pids.end());
    const auto result = siglist(words);
    const auto code = result.status.exit_code();
    REQUIRE(code);
    CHECK(*code <= 1);
    for (const std::string& line : lines_of(result.err))
      CHECK_MESSAGE(line.ends_with(": No such process"), line);
    CHECK((*code == 1) == !result.err.empty());
  }
}

TEST_CASE("siglist -p --threads has a section for each thread") {
  child process({probe, "part", "USR1"});
  const std::string thread = process.wait_for_line("thread").substr(7);
  process.wait_for_line("ready");
  const std::string pid = word(process.pid());
  // While it makes a thread, the C library has blocked everything in the first one.
  REQUIRE(eventually([&] { return read_status(process.pid())->blocked.empty(); }));
  const auto whole = siglist({"-p", pid, "--plain"});
  CHECK(contains(whole.out, "\t10\tUSR1\tdefault\t1/2\t-\tterminates it\n"));
  REQUIRE(::tgkill(process.pid(), std::stoi(thread), SIGUSR1) == 0);
  const auto result = siglist({"-p", pid, "--threads", "--plain"});
  CHECK(contains(result.out, "\t10\tUSR1\tdefault\t1/2\tthread\tterminates it\n"));
  CHECK(contains(result.out, pid + "\t" + thread + "\tprobe\t"));
  CHECK(contains(lines_with(result.out, pid + "\t" + thread + "\t"),
                 "\tUSR1\tdefault\tblocked\tthread\tstays pending: blocked"));
  CHECK_FALSE(contains(lines_with(result.out, pid + "\t" + pid + "\t"), "\tUSR1\t"));
  const auto text = siglist({"-p", pid, "--threads"});
  CHECK(contains(text.out, ", 2 threads; "));
  CHECK(contains(text.out, "\nthread " + thread + " probe, "));
  const json document = json::parse(siglist({"-p", pid, "--threads", "--json"}).out);
  CHECK(document["processes"][0]["thread_count"] == 2);
  REQUIRE(document["processes"][0]["threads"].size() == 2);
  CHECK(document["processes"][0]["threads"][1]["tid"] == std::stoi(thread));
  // The ID of a thread stands for its process.
  CHECK(siglist({"-p", thread, "--plain"}).out.starts_with(pid + "\t-\tprobe\t"));
}

TEST_CASE("siglist -p shows what is taken by sigwait, and by a signalfd") {
  child process({probe, "catch"});
  process.wait_for_line("ready");
  const std::string pid = word(process.pid());
  CHECK(eventually([&] {
    return contains(siglist({"-p", pid, "--plain"}).out,
                    "\tTERM\tdefault\t-\t-\tis taken by sigwait\n");
  }));
  child limited({program("sigtimeout"), "1000", probe, "hold", "HUP"});
  limited.wait_for_line("ready");
  CHECK(contains(siglist({"-p", word(limited.pid()), "--plain"}).out,
                 "\tTERM\tdefault\tblocked\t-\tstays pending: blocked (signalfd)\n"));
}

TEST_CASE("siglist -p of what has ended, of what is stopped, and of the kernel's own threads") {
  const pid_t ended = ::fork();
  if (ended == 0) ::_exit(0);
  REQUIRE(eventually([&] { return read_process(ended)->state == 'Z'; }));
  const auto zombie = siglist({"-p", word(ended)});
  CHECK(zombie.status == exit_status::exited(0));
  CHECK(contains(zombie.out, "has ended; its parent, " + word(::getpid()) + ", has not waited"));
  CHECK(contains(siglist({"-p", word(ended), "--every", "--plain"}).out,
                 "\tKILL\tdefault\t-\t-\tnothing: it has ended\n"));
  ::waitpid(ended, nullptr, 0);

  const known_process stopped;
  ::kill(stopped.pid(), SIGSTOP);
  REQUIRE(eventually([&] { return read_process(stopped.pid())->state == 'T'; }));
  const auto result = siglist({"-p", word(stopped.pid()), "--every", "--plain"});
  CHECK(contains(result.out, "\tTERM\tcaught\t-\t-\tstays pending: it is stopped\n"));
  CHECK(contains(result.out, "\tCONT\tdefault\t-\t-\tcontinues it\n"));
  CHECK(contains(result.out, "\tKILL\tdefault\t-\t-\tterminates it\n"));
  CHECK(contains(siglist({"-p", word(stopped.pid())}).out, ", stopped; "));

  const auto kernel = read_process(2);
  if (!kernel || !kernel->kernel) SKIP("there are no kernel threads in this PID namespace");
  const auto thread = siglist({"-p", "2"});
  CHECK(contains(thread.out, "2 kthreadd, of root, a kernel thread; "));
  CHECK(line_with(thread.out, " 9 ") ==
        " 9  KILL      ignored                        nothing: ignored");
}

TEST_CASE("siglist has a word for a name that is empty") {
  child process({"sh", "-c", "printf '\\0' >/proc/$$/comm; echo ready; read -r line; :"},
                {.environment = {}, .before_exec = &read_for_ever, .argv0 = {}});
  process.wait_for_line("ready");
  const std::string pid = word(process.pid());
  REQUIRE(read_process(process.pid())->name.empty());
  CHECK(siglist({"-p", pid, "--plain"}).out.starts_with(pid + "\t-\t-\t"));
  CHECK(contains(lines_with(siglist({"--find", "--plain"}).out, pid + "\t"), "\t-\t1\t0x"));
}

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

TEST_CASE("siglist shows names that others chose without their control characters") {
  child process({"sh", "-c", "printf '\\033[31mx\\ty' >/proc/$$/comm; echo ready; read -r line; :"},
                {.environment = {}, .before_exec = &read_for_ever, .argv0 = {}});
  process.wait_for_line("ready");
  const std::string pid = word(process.pid());
  for (const std::string form : {"--color=never", "--plain", "--json"}) {
    CHECK_FALSE(contains(siglist({form, "-p", pid}).out, "\x1b"));
    CHECK_FALSE(contains(siglist({form, "--find", "--name", "31mx"}).out, "\x1b"));
  }
  CHECK(contains(siglist({"-p", pid}).out, pid + " \\x1b[31mx\\ty, of "));
  CHECK(contains(siglist({"--find", "--plain", "--name", "31mx"}).out, "\t\\x1b[31mx\\ty\t"));
}

TEST_CASE("siglist shows the processes of other users, and says what may not be read") {
  if (::geteuid() != 0) SKIP("needs root");
  const known_process process;
  const auto as_nobody = [](std::vector<std::string> words) {
    std::vector<std::string> all{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                                 program("siglist")};
    all.insert(all.end(), words.begin(), words.end());
    return run(all);
  };
  if (as_nobody({"--version"}).status != exit_status::exited(0))
    SKIP("another user cannot run what was built");
  const auto result = as_nobody({"-p", word(process.pid())});
  CHECK(result.status == exit_status::exited(0));
  CHECK(contains(result.out, " USR2     default      blocked  process  stays pending: blocked\n"));
  const std::string unknown = "siglist: " + word(process.pid()) +
                              ": whether it takes signals by sigwait(3) or signalfd(2) may not be "
                              "read\n";
  CHECK(result.err == unknown);
  CHECK(as_nobody({"--plain", "-p", word(process.pid())}).err == unknown);
  const auto document = json::parse(as_nobody({"--json", "-p", word(process.pid())}).out);
  CHECK(document["processes"][0]["complete"] == false);
  CHECK(contains(as_nobody({"--find", "--plain", "--pending", "USR2"}).out,
                 word(process.pid()) + "\troot\tprobe\t1\t"));
  // /proc may hide them altogether.
  const auto hidden = [&](const std::string& level, const std::string& words) {
    return run({"unshare", "--mount", "sh", "-c",
                "mount -t proc -o hidepid=" + level + " proc /proc || exit 77\n" +
                    "exec setpriv --reuid=65534 --regid=65534 --clear-groups " +
                    program("siglist") + " " + words});
  };
  const auto kept = hidden("1", "--plain -p " + word(process.pid()));
  if (kept.status == exit_status::exited(77) || contains(kept.err, "unshare"))
    SKIP("no /proc can be mounted here");
  CHECK(kept.status == exit_status::exited(1));
  CHECK(kept.err == "siglist: '" + word(process.pid()) + "': its signals may not be read\n");
  CHECK(hidden("2", "-p " + word(process.pid())).err == kept.err);
  const auto found = hidden("1", "--find");
  CHECK(found.status == exit_status::exited(1));
  CHECK(contains(found.err, " processes may not be looked at, PID 1 first\n"));
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

TEST_CASE("siglist --inherited shows what it was started with") {
  const run_options how{.environment = {},
                        .before_exec =
                            [] {
                              for (const signal_id signal : signal_set::changeable())
                                set_default(signal);
                              set_ignored(sighup);
                              pthread_sigmask(mask_change::set, {sigusr1, sigusr2});
                              ::raise(SIGUSR2);
                            },
                        .argv0 = {}};
  const auto result = siglist({"--inherited", "--plain"}, how);
  CHECK(result.status == exit_status::exited(0));
  CHECK(without_own(result.out) == "1\tHUP\tignored\t-\t-\tnothing: ignored\n"
                                   "10\tUSR1\tdefault\tblocked\t-\tstays pending: blocked\n"
                                   "12\tUSR2\tdefault\tblocked\tthread\tstays pending: blocked\n");
  CHECK(contains(siglist({"--inherited"}, how).out,
                 "\n12  USR2  default      blocked  thread   stays pending: blocked\n"));
  const json document = json::parse(siglist({"--inherited", "--json"}, how).out);
  CHECK(document["schema"] == "sigkit.siglist.inherited/1");
  CHECK(std::ranges::count(siglist({"--inherited", "--every", "--plain"}, how).out, '\n') == 64);
  // As the tools around it set it.
  CHECK(contains(run({"nohup", program("siglist"), "--inherited", "--plain"}).out,
                 "1\tHUP\tignored\t"));
  CHECK(contains(
      run({program("sigtrap"), "--block", "RTMIN+3", program("siglist"), "--inherited", "--plain"})
          .out,
      "37\tRTMIN+3\tdefault\tblocked\t-\t"));
}

TEST_CASE("siglist --watch has a line for each change, until the process ends") {
  child process({probe, "watched"});
  process.wait_for_line("ready");
  const std::string pid = word(process.pid());
  child watcher(siglist_words({"--watch=10ms", "-p", pid}));
  watcher.wait_for_line("20"); // the year
  const auto says = [&](const std::string& text) {
    return eventually([&] {
      ::usleep(1000);
      return contains(watcher.out(), text) ||
             (watcher.wait_for_line("20"), contains(watcher.out(), text));
    });
  };
  CHECK(says(" " + pid + " probe: USR1 default, blocked; stays pending: blocked\n"));
  ::kill(process.pid(), SIGUSR1);
  CHECK(says(" probe: USR1 default, blocked, pending to the process; stays pending: blocked\n"));
  ::kill(process.pid(), SIGUSR2); // catches TERM from now on
  CHECK(says(" probe: TERM caught; runs its handler\n"));
  ::kill(process.pid(), SIGKILL);
  CHECK(watcher.finish() == exit_status::exited(0));
  CHECK(watcher.out().ends_with(" " + pid + " probe: ended\n"));
  CHECK(watcher.err().empty());
}

TEST_CASE("siglist --watch for scripts and programs") {
  for (const std::string form : {"--plain", "--json"}) {
    child process({probe, "hold", "USR1"});
    process.wait_for_line("ready");
    const std::string pid = word(process.pid());
    child watcher(siglist_words({"--watch=10ms", form, "-p", pid}));
    if (form == "--plain") {
      const std::string line = watcher.wait_for_line("20");
      CHECK(contains(line, "\t" + pid + "\t-\tprobe\t"));
    } else {
      const json line = json::parse(watcher.wait_for_line("{"));
      CHECK(line["schema"] == "sigkit.siglist.change/1");
      CHECK(line["pid"] == process.pid());
      CHECK(line["event"] == "signal");
    }
    ::kill(process.pid(), SIGKILL);
    CHECK(watcher.finish() == exit_status::exited(0));
    const auto lines = lines_of(watcher.out());
    if (form == "--plain") {
      CHECK(lines.back().ends_with("\t-\t-\t-\t-\t-\tended"));
    } else {
      CHECK(json::parse(lines.back())["event"] == "ended");
      CHECK(json::parse(lines.back())["signal"].is_null());
    }
  }
}

TEST_CASE("siglist --watch says what is stopped, and which threads end") {
  child process({probe, "part", "USR1"});
  const std::string thread = process.wait_for_line("thread").substr(7);
  process.wait_for_line("ready");
  const std::string pid = word(process.pid());
  child watcher(siglist_words({"--watch=10ms", "--threads", "--plain", "-p", pid}));
  while (!contains(watcher.wait_for_line("20"), "\t" + thread + "\tprobe\t")) {
  }
  ::kill(process.pid(), SIGSTOP);
  while (!contains(watcher.out(), "\tstopped\n"))
    watcher.wait_for_line("20");
  ::kill(process.pid(), SIGCONT);
  while (!contains(watcher.out(), "\tcontinued\n"))
    watcher.wait_for_line("20");
  ::kill(process.pid(), SIGUSR2); // the second thread ends
  while (!contains(watcher.out(), "\tended\n"))
    watcher.wait_for_line("20");
  CHECK(contains(watcher.out(), "\t" + pid + "\t" + thread + "\tprobe\t"));
  CHECK(lines_of(watcher.out()).back().ends_with("\tended"));
  CHECK(contains(lines_of(watcher.out()).back(), "\t" + thread + "\t"));
}

// The process ends, and another one gets its PID, before siglist looks again.
TEST_CASE("siglist --watch never goes on with another process that got the PID") {
  const std::string script = R"(
probe=$1 siglist=$2 out=$3
echo 1 >/proc/sys/kernel/ns_last_pid || { echo cannot; exit 0; }
for i in 1 2 3 4 5; do sleep 1000 & done
"$probe" hold USR1 >/dev/null & first=$!
until grep -q '^SigBlk:.*200$' /proc/$first/status; do :; done
"$siglist" --plain --watch=10ms -p $first >"$out" & watcher=$!
until grep -q USR1 "$out"; do :; done
kill -STOP $watcher
until grep -q '^State:.T' /proc/$watcher/status; do :; done
kill -KILL $first
wait $first
echo $((first - 1)) >/proc/sys/kernel/ns_last_pid; sleep 1001 & new=$!
[ $new = $first ] || { echo "got $new, not $first"; exit 0; }
kill -CONT $watcher
wait $watcher; echo watcher $?
tail -n 1 "$out" | cut -f12
)";
  const temporary_directory directory;
  const auto result = run({program("sigtimeout"), "--scope", "namespace", "15", "sh", "-c", script,
                           "sh", probe, program("siglist"), directory.path() + "/out"});
  if (contains(result.err, "namespace") || contains(result.out, "cannot"))
    SKIP("no PID namespace can be made here");
  CHECK(result.out == "watcher 0\nended\n");
}

TEST_CASE("siglist --watch ends where nobody reads it any more") {
  child process({probe, "hold", "USR1"});
  process.wait_for_line("ready");
  const auto result =
      run({"bash", "-c", "\"$0\" --watch=1h -p \"$1\" | head -1; echo ${PIPESTATUS[0]}",
           program("siglist"), word(process.pid())},
          {.environment = {}, .before_exec = [] { ::signal(SIGPIPE, SIG_DFL); }, .argv0 = {}});
  CHECK(result.out.ends_with("\n141\n"));
  child usual({"sleep", "1000"}); // with nothing to say
  const auto closed = siglist({"--watch=1h", "-p", word(usual.pid())},
                              {.environment = {}, .before_exec = [] { ::close(1); }, .argv0 = {}});
  CHECK(closed.status == exit_status::exited(1));
  CHECK(closed.err == "siglist: write error on stdout: Bad file descriptor\n");
}

TEST_CASE("siglist --watch ends with the last of its processes, at once where none is left") {
  const pid_t ended = ::fork();
  if (ended == 0) ::_exit(0);
  REQUIRE(eventually([&] { return read_process(ended)->state == 'Z'; }));
  const auto zombie = siglist({"--watch", "-p", word(ended)});
  CHECK(zombie.status == exit_status::exited(0));
  CHECK(contains(zombie.out, ": ended\n"));
  ::waitpid(ended, nullptr, 0);
  const auto none = siglist({"--watch", "-p", "4194305"});
  CHECK(none.status == exit_status::exited(1));
  CHECK(none.err == "siglist: '4194305': No such process\n");
}

TEST_CASE("siglist --watch ends by a signal, unless that was ignored when it was started") {
  child process({probe, "hold", "USR1"});
  process.wait_for_line("ready");
  child watcher(siglist_words({"--watch=10ms", "-p", word(process.pid())}));
  watcher.wait_for_line("20");
  ::kill(watcher.pid(), SIGTERM);
  CHECK(watcher.finish() == exit_status::killed(sigterm));
  child patient(siglist_words({"--watch=10ms", "-p", word(process.pid())}),
                {.environment = {}, .before_exec = [] { set_ignored(sigint); }, .argv0 = {}});
  patient.wait_for_line("20");
  ::kill(patient.pid(), SIGINT);
  ::kill(process.pid(), SIGKILL);
  CHECK(patient.finish() == exit_status::exited(0));
}

TEST_CASE("siglist --watch draws on a terminal, and is a job as any") {
  child process({probe, "hold", "USR1"});
  process.wait_for_line("ready");
  const std::string pid = word(process.pid());
  terminal shell;
  shell.command("export TERM=xterm");
  shell.command("siglist --watch=10ms --color=never -p " + pid);
  shell.wait_for(enters);
  shell.wait_for("stays pending: blocked\r");
  CHECK((shell.modes().c_lflag & ECHO) == 0); // nothing that is typed is shown on it
  ::usleep(100'000);                          // ten looks
  ::kill(process.pid(), SIGUSR1);
  const std::string drawn = shell.wait_for("blocked  process  stays pending: blocked");
  // Only what has changed is drawn; how many signals are queued depends on other tests too.
  const std::vector<std::string> frames = split(drawn, "\x1b[H");
  CHECK(std::ranges::adjacent_find(frames) == frames.end());
  shell.type(ctrl_z);
  shell.wait_for(leaves);
  shell.wait_for("Stopped");
  shell.command("fg");
  shell.wait_for(enters);
  shell.wait_for("blocked  process");
  shell.type(ctrl_c);
  shell.wait_for(leaves);
  CHECK(shell.value_of("$?") == "130");
}

TEST_CASE("siglist --watch leaves the terminal as it was, however it ends") {
  struct ending {
    std::string_view keys;
    int signal; ///< to siglist; 0 and no keys: the process ends
    std::string status;
  };
  for (const auto& [keys, signal, status] :
       {ending{ctrl_c, 0, "130"}, ending{ctrl_backslash, 0, "131"}, ending{"", 0, "0"},
        ending{"", SIGTERM, "143"}, ending{"", SIGUSR1, "138"}, ending{"", SIGRTMIN, "162"}}) {
    child process({probe, "hold", "USR1"});
    process.wait_for_line("ready");
    const std::string pid = word(process.pid());
    terminal shell({"env", "TERM=xterm", "sh", "-c",
                    "trap : INT QUIT; echo before $(stty -g) .; siglist --watch=10ms -p " + pid +
                        "; echo status $?; echo after $(stty -g) ."});
    shell.wait_for("before ");
    const std::string before = shell.wait_for(" .");
    shell.wait_for(enters);
    shell.wait_for("stays pending: blocked");
    if (!keys.empty()) shell.type(keys);
    if (signal != 0) ::kill(child_of(shell.leader(), "siglist"), signal);
    if (keys.empty() && signal == 0) ::kill(process.pid(), SIGKILL);
    shell.wait_for(leaves);
    if (status == "0") { // the last listing stays to be read
      shell.wait_for("stays pending: blocked");
      shell.wait_for("It has ended.");
    }
    shell.wait_for("status " + status);
    shell.wait_for("after ");
    CHECK(shell.wait_for(" .") == before);
  }
}

TEST_CASE("siglist --watch draws nothing in the background, where it ends and goes on as any job") {
  child process({probe, "hold", "USR1"});
  process.wait_for_line("ready");
  terminal shell;
  shell.command("export TERM=xterm");
  shell.command("siglist --watch=10ms -p " + word(process.pid()) + " &");
  REQUIRE(eventually([&] { return child_of(shell.leader(), "siglist") != 0; }));
  const pid_t job = child_of(shell.leader(), "siglist");
  CHECK(eventually([&] { return read_process(job)->state == 'S'; }));
  ::usleep(100'000); // ten looks
  CHECK(read_process(job)->state != 'T');
  shell.command("fg");
  shell.wait_for(enters);
  shell.wait_for("stays pending: blocked");
  ::kill(job, SIGSTOP);
  shell.wait_for("Stopped");
  shell.command("bg");
  REQUIRE(eventually([&] { return read_process(job)->state != 'T'; }));
  ::kill(job, SIGTERM);
  shell.wait_for(leaves);
  shell.type("\n"); // another prompt
  shell.command("wait " + word(job));
  CHECK(shell.value_of("$?") == "143");
}

TEST_CASE("siglist --watch that writes to one that does not read ends by a signal") {
  child process({probe, "catch"});
  process.wait_for_line("ready");
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  REQUIRE(::fcntl(ends[1], F_SETPIPE_SZ, 4096) == 4096);
  child watcher(siglist_words({"--watch=10ms", "--threads", "--every", "-p", word(process.pid())}),
                {.environment = {}, .before_exec = [&] { ::dup2(ends[1], 1); }, .argv0 = {}});
  ::close(ends[1]);
  int size = 0;
  const auto is_full = [&] { return ::ioctl(ends[0], FIONREAD, &size) == 0 && size >= 3900; };
  CHECK(eventually(is_full));
  ::kill(watcher.pid(), SIGTERM);
  CHECK(watcher.finish() == exit_status::killed(sigterm));
  ::close(ends[0]);
}

TEST_CASE("siglist --watch draws no more than the screen has room for") {
  child process({probe, "catch"});
  process.wait_for_line("ready");
  terminal shell;
  shell.command("export TERM=xterm; stty rows 12 cols 60");
  shell.command("siglist --watch=10ms --color=never -p " + word(process.pid()));
  shell.wait_for(enters);
  const std::string drawn = shell.wait_for("lines more");
  CHECK(std::ranges::count(drawn, '\n') == 11);
  shell.type(ctrl_c);
  CHECK(shell.value_of("$?") == "130");
}

TEST_CASE("siglist without /proc of its PID namespace says so, and knows what it inherited") {
  const auto outside = [](const std::string& words) {
    return run({"unshare", "--pid", "--fork", "sh", "-c",
                "trap '' HUP\n" + program("siglist") + " " + words + "; echo $?"});
  };
  const auto result = outside("-p 1");
  if (contains(result.err, "unshare")) SKIP("no PID namespace can be made here");
  CHECK(result.err == "siglist: reading processes: /proc does not show this PID namespace: No such "
                      "file or directory\n");
  CHECK(result.out == "1\n");
  CHECK(contains(outside("--find").err, "/proc does not show this PID namespace"));
  CHECK(contains(outside("--inherited --plain").out, "1\tHUP\tignored\t-\t-\tnothing: ignored\n"));
}

TEST_CASE("siglist knows that PID 1 of a namespace gets only what it catches") {
  const auto look = [] {
    return run({"unshare", "--pid", "--fork", "--mount-proc", "sh", "-c",
                "trap : USR1; " + program("siglist") + " --every --plain -p 1; :"});
  };
  if (contains(look().err, "unshare")) SKIP("no PID namespace can be made here");
  // A shell blocks everything for a moment before it waits.
  CHECK(eventually([&] {
    const std::string out = look().out;
    return contains(out, "\tTERM\tdefault\t-\t-\tnothing: PID 1 does not catch it\n") &&
           contains(out, "\tKILL\tdefault\t-\t-\tnothing: PID 1 does not catch it\n") &&
           contains(out, "\tUSR1\tcaught\t-\t-\truns its handler\n");
  }));
}
