#include "support/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <sigkit/process.hpp>

namespace test {

namespace {

void make_pipe(sigkit::unique_fd& read_end, sigkit::unique_fd& write_end) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  read_end.reset(ends[0]);
  write_end.reset(ends[1]);
}

[[noreturn]] void execute(const std::vector<std::string>& argv, const run_options& options, int out,
                          int err) {
  const int null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, 0);
  ::dup2(out, 1);
  ::dup2(err, 2);
  ::close(null);
  for (const std::string& variable : options.environment) {
    const std::size_t equals = variable.find('=');
    ::setenv(variable.substr(0, equals).c_str(), variable.substr(equals + 1).c_str(), 1);
  }
  if (options.before_exec) options.before_exec();
  std::vector<char*> pointers;
  for (const std::string& word : argv)
    pointers.push_back(const_cast<char*>(word.c_str()));
  if (!options.argv0.empty()) pointers[0] = const_cast<char*>(options.argv0.c_str());
  pointers.push_back(nullptr);
  ::execvp(argv[0].c_str(), pointers.data());
  std::perror(argv[0].c_str());
  ::_exit(99);
}

/// Appends what there is; false at the end of the file.
bool append(const sigkit::unique_fd& descriptor, std::string& text) {
  char buffer[65536];
  const ssize_t count = ::read(descriptor.get(), buffer, sizeof buffer);
  if (count <= 0) return false;
  text.append(buffer, static_cast<std::size_t>(count));
  return true;
}

} // namespace

child::child(std::vector<std::string> argv, const run_options& options) {
  sigkit::unique_fd out;
  sigkit::unique_fd err;
  make_pipe(out_end_, out);
  make_pipe(err_end_, err);
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ == 0) execute(argv, options, out.get(), err.get());
}

child::~child() {
  if (reaped_) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

bool child::read_some(std::chrono::steady_clock::time_point deadline) {
  pollfd sources[2] = {{out_end_.get(), POLLIN, 0}, {err_end_.get(), POLLIN, 0}};
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      deadline - std::chrono::steady_clock::now());
  if (left.count() <= 0 || ::poll(sources, 2, static_cast<int>(left.count())) == 0)
    throw std::runtime_error("no end after the time limit; stdout: " + out_ + " stderr: " + err_);
  if (sources[0].revents != 0 && !append(out_end_, out_)) out_end_.reset();
  if (sources[1].revents != 0 && !append(err_end_, err_)) err_end_.reset();
  return out_end_.has_value() || err_end_.has_value();
}

std::string child::wait_for_line(std::string_view start) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    for (std::size_t end = out_.find('\n', searched_); end != std::string::npos;
         end = out_.find('\n', searched_)) {
      const std::string line = out_.substr(searched_, end - searched_);
      searched_ = end + 1;
      if (line.starts_with(start)) return line;
    }
    if (!read_some(deadline))
      throw std::runtime_error("ended without '" + std::string(start) + "': " + out_ + err_);
  }
}

sigkit::exit_status child::finish() {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (out_end_.has_value() || err_end_.has_value())
    read_some(deadline);
  int status = 0;
  if (!eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }))
    throw std::runtime_error("closed its output, but did not end");
  reaped_ = true;
  return *sigkit::exit_status::from_wait_status(status);
}

run_result run(std::vector<std::string> argv, const run_options& options) {
  child process(std::move(argv), options);
  const sigkit::exit_status status = process.finish();
  return {status, process.out(), process.err()};
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::poll(nullptr, 0, 2);
  }
  return true;
}

std::string new_mark() {
  static std::atomic<int> count = 0;
  return "SIGKIT_MARK=" + std::to_string(::getpid()) + "." + std::to_string(++count) + "." +
         std::to_string(std::chrono::steady_clock::now().time_since_epoch().count());
}

namespace {

void for_each_marked(const std::string& mark,
                     const std::function<void(const sigkit::process_facts&)>& act) {
  for (const sigkit::process_facts& facts : sigkit::all_processes()) {
    if (facts.state == 'Z' || facts.state == 'X' || facts.pid == ::getpid()) continue;
    std::ifstream file("/proc/" + std::to_string(facts.pid) + "/environ");
    const std::string environment{std::istreambuf_iterator<char>(file), {}};
    if (('\0' + environment).find('\0' + mark + '\0') != std::string::npos) act(facts);
  }
}

} // namespace

std::vector<std::string> marked_processes(const std::string& mark) {
  std::vector<std::string> found;
  for_each_marked(mark, [&](const sigkit::process_facts& facts) {
    found.push_back(std::to_string(facts.pid) + " (" + facts.name + ") " + facts.state);
  });
  return found;
}

void kill_marked(const std::string& mark) {
  for_each_marked(mark, [](const sigkit::process_facts& facts) { ::kill(facts.pid, SIGKILL); });
}

temporary_directory::temporary_directory() {
  std::string pattern = std::filesystem::temp_directory_path() / "sigkit.XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = pattern;
}

temporary_directory::~temporary_directory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string program(const std::string& name) {
  const bool is_of_tests = name == "probe" || name == "hostile";
  return (is_of_tests ? SIGKIT_PROBE_DIR "/" : SIGKIT_PROGRAMS_DIR "/") + name;
}

} // namespace test
