#include "support/terminal.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace test {

namespace {

sigkit::unique_fd open_master() {
  sigkit::unique_fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!master.has_value() || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0)
    throw std::runtime_error("posix_openpt");
  // So wide that no line of a test is broken.
  const winsize size{.ws_row = 24, .ws_col = 1000, .ws_xpixel = 0, .ws_ypixel = 0};
  ::ioctl(master.get(), TIOCSWINSZ, &size);
  return master;
}

std::string slave_of(const sigkit::unique_fd& master) {
  char path[64];
  if (::ptsname_r(master.get(), path, sizeof path) != 0) throw std::runtime_error("ptsname_r");
  return path;
}

/// In the child: a new session, on this terminal.
void enter(const std::string& slave) {
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::setsid();
  const int descriptor = ::open(slave.c_str(), O_RDWR);
  if (descriptor < 0 || ::ioctl(descriptor, TIOCSCTTY, 0) != 0) ::_exit(98);
  for (int standard = 0; standard <= 2; ++standard)
    ::dup2(descriptor, standard);
  if (descriptor > 2) ::close(descriptor);
}

/// The person's own settings, and what the shell writes to their home, stay out of it.
std::vector<std::string> environment_with(const std::string& mark) {
  const char* path = ::getenv("PATH");
  return {mark,
          "PATH=" SIGKIT_PROGRAMS_DIR ":" SIGKIT_PROBE_DIR ":" +
              std::string(path != nullptr ? path : "/bin:/usr/bin"),
          "PS1=" + std::string(terminal::prompt),
          "PS0=",
          "PROMPT_COMMAND=",
          "HISTFILE=",
          "INPUTRC=/dev/null",
          "LC_ALL=C",
          "TERM=dumb"};
}

} // namespace

terminal::terminal(std::vector<std::string> argv)
    : master_(open_master()),
      leader_(std::move(argv), {.environment = environment_with(mark_),
                                .before_exec = [slave = slave_of(master_)] { enter(slave); },
                                .argv0 = {}}) {}

terminal::~terminal() {
  eventually([this] {
    kill_marked(mark_);
    return processes().empty();
  });
}

void terminal::type(std::string_view keys) {
  if (::write(master_.get(), keys.data(), keys.size()) != static_cast<ssize_t>(keys.size()))
    throw std::runtime_error("write to the terminal");
}

void terminal::read_some(std::chrono::steady_clock::time_point deadline, std::string_view wanted) {
  const auto fail = [&](const char* why) {
    throw std::runtime_error(why + (" '" + std::string(wanted)) + "'; screen:\n" + screen_);
  };
  pollfd source{master_.get(), POLLIN, 0};
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      deadline - std::chrono::steady_clock::now());
  if (left.count() <= 0 || ::poll(&source, 1, static_cast<int>(left.count())) == 0)
    fail("the time limit is over without");
  char buffer[4096];
  const ssize_t count = ::read(master_.get(), buffer, sizeof buffer);
  if (count <= 0) fail("nobody has the terminal open any more, without");
  screen_.append(buffer, static_cast<std::size_t>(count));
}

std::string terminal::wait_for(std::string_view text) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::size_t found = 0;
  while ((found = screen_.find(text, searched_)) == std::string::npos)
    read_some(deadline, text);
  const std::size_t begin = std::exchange(searched_, found + text.size());
  return screen_.substr(begin, found - begin);
}

pid_t terminal::wait_for_ready() {
  wait_for("ready ");
  return std::stoi(wait_for("\n"));
}

void terminal::command(const std::string& line) {
  wait_for(prompt);
  type(line + "\r");
}

std::string terminal::value_of(const std::string& word) {
  command("printf '<%s>\\n' value \"" + word + "\"");
  wait_for("<value>");
  wait_for("<");
  return wait_for(">");
}

pid_t terminal::foreground() const {
  return ::tcgetpgrp(master_.get());
}

bool terminal::gets_foreground(pid_t group) const {
  return eventually([&] { return foreground() == group; });
}

termios terminal::modes() const {
  termios now{};
  if (::tcgetattr(master_.get(), &now) != 0) throw std::runtime_error("tcgetattr");
  return now;
}

bool same_modes(const termios& left, const termios& right) {
  return left.c_iflag == right.c_iflag && left.c_oflag == right.c_oflag &&
         left.c_cflag == right.c_cflag && left.c_lflag == right.c_lflag &&
         std::equal(std::begin(left.c_cc), std::end(left.c_cc), std::begin(right.c_cc));
}

} // namespace test
