#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>

#include <sigkit/sigkit.hpp>

#include "support/child.hpp"

using namespace sigkit;
using namespace std::chrono_literals;

namespace {

/// A new cgroup below the one of this process, removed with all that is in it.
class new_cgroup {
public:
  new_cgroup() {
    const auto own = cgroup::of(::getpid());
    if (!own) return;
    try {
      made_.emplace(own->make("sigkit-test-" + std::to_string(::getpid())));
    } catch (const error& refused) {
      why_ = refused.what();
    }
  }
  new_cgroup(const new_cgroup&) = delete;
  new_cgroup& operator=(const new_cgroup&) = delete;
  ~new_cgroup() {
    if (!made_) return;
    made_->kill();
    CHECK(made_->wait_until_empty(20s));
    made_->remove();
  }
  explicit operator bool() const { return made_.has_value(); }
  const cgroup& operator*() const { return *made_; }
  const cgroup* operator->() const { return &*made_; }
  [[nodiscard]] const char* why() const { return why_.c_str(); }

private:
  std::optional<cgroup> made_;
  std::string why_ = "there is no cgroup2 here";
};

pid_t start_in(const cgroup& group, const char* script) {
  std::string shell = "/bin/sh", option = "-c", text = script;
  char* const argv[] = {shell.data(), option.data(), text.data(), nullptr};
  spawn_options options;
  options.control_group = &group;
  return spawn(argv, options).process.value().pid();
}

} // namespace

TEST_CASE("cgroup: a child is in it from its begin, and nothing leaves it") {
  const new_cgroup group;
  if (!group) SKIP(group.why());
  CHECK(group->is_empty());
  CHECK(group->wait_until_empty(0s));
  const pid_t child = start_in(*group, "(setsid sleep 1000 &); sleep 1000");
  CHECK(test::eventually([&] { return group->members().size() == 3; }));
  const std::vector<pid_t> members = group->members();
  CHECK(std::find(members.begin(), members.end(), child) != members.end());
  CHECK(cgroup::of(child)->path() == group->path());
  CHECK_FALSE(group->is_empty());
  CHECK_FALSE(group->wait_until_empty(1ms));
  CHECK_THROWS_AS(group->remove(), error);
  group->kill();
  CHECK(group->wait_until_empty(20s));
  CHECK(group->members().empty());
}

TEST_CASE("cgroup: a signal reaches all members, below it too, and what is frozen stands still") {
  const new_cgroup group;
  if (!group) SKIP(group.why());
  const cgroup below = group->make("below");
  CHECK_THROWS_WITH_AS(static_cast<void>(group->make("below")),
                       ("mkdir(2) of " + below.path() + ": File exists").c_str(), error);
  CHECK_THROWS_AS(static_cast<void>(group->make("a/b")), error);
  start_in(*group, "sleep 1000 & wait");
  test::child moved({"/bin/sh", "-c", "echo ready; exec sleep 1000"});
  moved.wait_for_line("ready");
  below.add(moved.pid());
  CHECK(cgroup::of(moved.pid())->path() == below.path());
  CHECK(test::eventually([&] { return group->members().size() == 3; }));
  CHECK(group->freeze(20s));
  group->thaw();
  const test::temporary_directory directory;
  const std::string link = directory.path() + "/link";
  REQUIRE(::symlink(group->path().c_str(), link.c_str()) == 0);
  for (const std::string& path : {group->path() + '/', link, "/proc/.." + group->path()})
    CHECK(cgroup::open(path).value().send(sigcont) == 3);
  CHECK(group->send(sigterm) == 3);
  CHECK(group->wait_until_empty(20s));
  CHECK(moved.finish() == exit_status::killed(sigterm));
  below.remove();
  CHECK_FALSE(cgroup::open(below.path()));
  CHECK_THROWS_AS(below.add(::getpid()), error);
}

TEST_CASE("cgroup: what is frozen stays so, what is threaded or removed below is passed over") {
  const new_cgroup group;
  if (!group) SKIP(group.why());
  start_in(*group, "exec sleep 1000");
  CHECK(group->freeze(20s));
  CHECK(group->send(sigusr1) == 1);
  std::string state;
  std::getline(std::ifstream(group->path() + "/cgroup.freeze") >> std::ws, state);
  CHECK(state == "1");
  group->thaw();
  CHECK(group->wait_until_empty(20s));
  CHECK_THROWS_AS(static_cast<void>(group->freeze(-1s)), error);
  start_in(*group, "exec sleep 1000");
  CHECK_FALSE(group->wait_until_empty(50ms)); // not frozen, and alive
  const cgroup threaded = group->make("threaded");
  const unique_fd type(::openat(threaded.descriptor(), "cgroup.type", O_WRONLY | O_CLOEXEC));
  const bool is_threaded = ::write(type.get(), "threaded", 8) == 8;
  CHECK(group->members().size() == 1);
  CHECK(group->send(sigkill) == 1);
  CHECK(group->wait_until_empty(20s));
  threaded.remove();
  CHECK_THROWS_AS(threaded.remove(), error);
  CHECK_THROWS_AS(group->send(signal_id(99)), error);
  if (!is_threaded) MESSAGE("no threaded cgroup could be made");
}

TEST_CASE("cgroup: a wait for its end calls handlers, and goes on") {
  const new_cgroup group;
  if (!group) SKIP(group.why());
  int calls = 0;
  const scoped_handler set(sigalrm, [&](signal_id, const signal_info&) {
    if (++calls == 3) group->kill();
  });
  start_in(*group, "exec sleep 1000");
  setitimer(itimer::real, 10ms, 10ms);
  CHECK(group->wait_until_empty(20s));
  setitimer(itimer::real, 0s);
  CHECK(calls >= 3);
}

TEST_CASE("cgroup: what is none is nothing, and bad calls are refused") {
  CHECK_FALSE(cgroup::open("/proc"));
  CHECK_FALSE(cgroup::open("/nonexistent"));
  CHECK_FALSE(cgroup::of(0x3fffff));
  const new_cgroup group;
  if (!group) SKIP(group.why());
  CHECK_THROWS_AS(group->add(0), error);
  CHECK_THROWS_AS(static_cast<void>(group->wait_until_empty(-1ns)), error);
}
