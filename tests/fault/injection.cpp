#include "fault/injection.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <map>
#include <string_view>

namespace test {

namespace {

/// What a call may fail with. One that is not listed gets all of them: a new call is tried when it
/// comes. Empty: it cannot fail, but for arguments that make no sense.
std::vector<std::string> errors_of(std::string_view call, std::string_view text) {
  // To a group that this process is a member of, or that its command leads.
  if (text.starts_with("kill(0,") || text.starts_with("kill(-")) return {};
  if (call == "fcntl" && text.find("F_DUPFD") == std::string_view::npos) return {};
  static const std::map<std::string_view, std::vector<std::string>> known{
      {"access", {"ENOMEM", "EPERM"}},
      {"arch_prctl", {}},
      {"brk", {}}, // does not fail so: it returns where the end was
      {"clone", {"EAGAIN", "ENOMEM", "EPERM"}},
      {"close", {}}, // it is closed whatever this returns; where strace has it fail, it is not
      {"exit_group", {}},
      {"getegid", {}},
      {"geteuid", {}},
      {"getgid", {}},
      {"getpgid", {}},
      {"getpgrp", {}},
      {"getpid", {}},
      {"getppid", {}},
      {"getsid", {}},
      {"gettid", {}},
      {"getuid", {}},
      {"kill", {"EPERM"}},
      {"lseek", {}},
      {"mmap", {"ENOMEM", "EAGAIN", "EPERM"}},
      {"mprotect", {"ENOMEM"}},
      {"munmap", {"ENOMEM"}},
      {"newfstatat", {"ENOMEM", "EPERM"}},
      {"openat", {"EINTR", "ENOMEM", "EMFILE", "EPERM"}},
      {"pidfd_open", {"EMFILE", "ENOMEM", "EPERM", "ENOSYS"}},
      {"pidfd_send_signal", {"EAGAIN", "ENOMEM", "EPERM", "ENOSYS"}},
      {"poll", {"EINTR", "ENOMEM"}},
      {"ppoll", {"EINTR", "ENOMEM"}},
      {"pread64", {"EINTR"}},
      {"read", {"EINTR", "EAGAIN", "ENOMEM", "EPERM"}},
      {"rseq", {"ENOSYS"}},
      {"rt_sigaction", {}},
      {"rt_sigprocmask", {}},
      {"rt_sigreturn", {}},
      {"rt_sigtimedwait", {"EINTR", "EAGAIN"}},
      {"set_robust_list", {"ENOSYS"}},
      {"set_tid_address", {}},
      {"umask", {}},
      {"wait4", {"EINTR"}},
      {"waitid", {"EINTR"}},
  };
  const auto found = known.find(call);
  if (found != known.end()) return found->second;
  return {"EINTR", "EAGAIN", "ENOMEM", "EMFILE", "EPERM", "ENOSYS"};
}

struct traced_call {
  std::string name;
  std::string text;          ///< as strace has it
  std::size_t which = 0;     ///< among those of its name, from 1
  bool by_c_library = false; ///< before the program itself has begun
};

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);)
    lines.push_back(line);
  return lines;
}

/// The calls in the lines of one process. The first thing that each program does itself is to look
/// whether its standard descriptors are open.
std::vector<traced_call> calls_in(const std::vector<std::string>& lines) {
  std::vector<traced_call> calls;
  std::map<std::string, std::size_t> counts;
  bool by_c_library = true;
  for (const std::string& line : lines) {
    const std::size_t end = line.find('(');
    if (end == std::string::npos || std::islower(static_cast<unsigned char>(line[0])) == 0)
      continue;
    if (line.starts_with("fcntl(0,")) by_c_library = false;
    // From then on it is another program.
    const bool executes = line.starts_with("execve(") && line.ends_with(" = 0");
    if (executes && !by_c_library) break;
    const std::string name = line.substr(0, end);
    calls.push_back({name, line, ++counts[name], by_c_library});
  }
  return calls;
}

/// The lines of the first process and of its first child, each without its PID.
struct two_processes {
  std::vector<std::string> parent;
  std::vector<std::string> child;
};

two_processes apart(const std::vector<std::string>& lines) {
  two_processes both;
  std::string parent;
  std::string child;
  for (const std::string& line : lines) {
    const std::string pid = line.substr(0, line.find(' '));
    std::string rest = line.substr(std::min(line.find_first_not_of(' ', pid.size()), line.size()));
    if (parent.empty()) parent = pid;
    if (pid != parent && child.empty()) child = pid;
    if (pid == parent)
      both.parent.push_back(std::move(rest));
    else if (pid == child)
      both.child.push_back(std::move(rest));
  }
  return both;
}

/// What of a child's calls comes before it has executed COMMAND.
std::vector<traced_call> calls_before_command(const std::vector<std::string>& lines) {
  auto calls = calls_in(lines);
  const auto executed = std::find_if(calls.begin(), calls.end(), [](const traced_call& call) {
    return call.name == "execve" && call.text.find(" = -1") == std::string::npos;
  });
  calls.erase(executed == calls.end() ? executed : executed + 1, calls.end());
  for (traced_call& call : calls)
    call.by_c_library = false;
  return calls;
}

/// How much is tried, by SIGKIT_FAULTS.
enum class extent : unsigned char {
  some, ///< of what the program does itself, a few calls of each name, and one of their errors
  many, ///< all errors of each call
  all   ///< and of calls that differ in numbers and addresses only, each
};

extent wanted_extent() {
  const char* text = std::getenv("SIGKIT_FAULTS");
  const std::string_view word = text != nullptr ? text : "";
  return word == "all" ? extent::all : word == "many" ? extent::many : extent::some;
}

/// Of calls that differ in numbers and addresses only, the first and the last.
std::vector<traced_call> some_of(const std::vector<traced_call>& calls) {
  std::map<std::string, std::size_t> first;
  std::map<std::string, std::size_t> last;
  std::vector<std::string> shapes;
  for (const traced_call& call : calls) {
    std::string shape = call.by_c_library ? "C " : "";
    for (const char c : call.text.substr(0, call.text.find(" = ")))
      if (std::isxdigit(static_cast<unsigned char>(c)) == 0) shape += c;
    first.try_emplace(shape, call.which);
    last[shape] = call.which;
    shapes.push_back(std::move(shape));
  }
  std::vector<traced_call> some;
  for (std::size_t i = 0; i < calls.size(); ++i)
    if (calls[i].which == first[shapes[i]] || calls[i].which == last[shapes[i]])
      some.push_back(calls[i]);
  return some;
}

std::vector<std::string> under_strace(const std::vector<std::string>& words,
                                      const std::vector<std::string>& options,
                                      const std::string& log) {
  std::vector<std::string> all{"strace", "-o", log, "-s", "80"};
  all.insert(all.end(), options.begin(), options.end());
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

/// `nap`: how many seconds the commands sleep.
run_options with_mark(const std::string& mark, const char* nap = "60") {
  // A folder first that has nothing, so that the child's second execve(2), and no other process's,
  // is that of COMMAND.
  const char* path = std::getenv("PATH");
  return {.environment = {mark, std::string("NAP=") + nap,
                          "PATH=/nonexistent:" + std::string(path != nullptr ? path : "/bin")},
          .before_exec = {},
          .argv0 = {}};
}

struct fault_kind {
  bool by_c_library = false;
  bool refuses = false; ///< a signal may not be sent
  bool may_be_silent = false;
};

bool sends_signals(const std::string& call) {
  return call == "kill" || call == "tgkill" || call == "pidfd_send_signal" ||
         call == "rt_sigqueueinfo";
}

/// The runs of one job, with what they came to.
class fault_runs {
public:
  fault_runs(const job_maker& make, faults_in where) : make_(make), where_(where) {
    if (where != faults_in::program) options_.emplace_back("-f");
  }

  /// A run without a fault: its calls, none where it went wrong.
  std::vector<std::string> trace() {
    const temporary_directory directory;
    const std::string log = directory.path() + "/log";
    const run_options marked = with_mark(new_mark());
    const fault_job job = make_(marked);
    const run_result result = run(under_strace(job.words, options_, log), marked);
    if (const std::string wrong = job.complaint(result); !wrong.empty()) {
      figures_.findings.push_back("without a fault: " + wrong);
      return {};
    }
    normal_ = result.status;
    return lines_of(log);
  }

  void inject(const traced_call& call, const std::string& error) {
    const std::string fault = call.name + ":error=" + error + ":when=" + std::to_string(call.which);
    const std::string what = call.text.substr(0, call.text.find(" = ")) + " #" +
                             std::to_string(call.which) + " -> " + error;
    run_with({fault}, what,
             {.by_c_library = call.by_c_library,
              .refuses = sends_signals(call.name),
              .may_be_silent = call.text.starts_with("write(2,")});
  }

  void run_with(const std::vector<std::string>& faults, const std::string& what,
                const fault_kind& kind) {
    const temporary_directory directory;
    const std::string log = directory.path() + "/log";
    const std::string mark = new_mark();
    const run_options marked = with_mark(mark, kind.refuses ? "2" : "60");
    std::vector<std::string> options = options_;
    for (const std::string& fault : faults)
      options.push_back("--inject=" + fault);
    std::string wrong;
    try {
      const fault_job job = make_(marked);
      const run_result result = run(under_strace(job.words, options, log), marked);
      if (!was_injected(log)) return;
      ++figures_.injections;
      wrong = complaint_of(job, result, kind);
      if (wrong.empty() && !eventually([&] { return marked_processes(mark).size() <= job.kept; }))
        wrong = "left behind: " + marked_processes(mark).front();
      if (wrong.empty()) wrong = job.left_behind();
    } catch (const std::exception& failure) {
      wrong = failure.what();
    }
    kill_marked(mark);
    if (!wrong.empty()) figures_.findings.push_back(what + ": " + wrong);
  }

  fault_figures figures_;

private:
  /// Where a child is followed, it is its call that counts, and not the parent's of the same
  /// number.
  bool was_injected(const std::string& log) const {
    const auto lines = lines_of(log);
    const std::string parent = lines.empty() ? "" : lines[0].substr(0, lines[0].find(' ') + 1);
    return std::ranges::any_of(lines, [&](const std::string& line) {
      const bool counts = where_ != faults_in::child || !line.starts_with(parent);
      return counts && line.find("(INJECTED)") != std::string::npos;
    });
  }

  std::string complaint_of(const fault_job& job, const run_result& result, const fault_kind& kind) {
    const std::string how = to_string(result.status) + ": " + result.err;
    if (result.status == normal_) {
      ++figures_.tolerated;
      return job.complaint(result);
    }
    ++figures_.failed;
    // The C library ends with SEGV where it has no memory to begin with.
    if (result.status.signal()) return kind.by_c_library ? "" : "ended by a signal: " + how;
    const int code = *result.status.exit_code();
    constexpr std::array failures{1, 64, 124, 125, 126, 127};
    // What may not be ended is waited for.
    const bool was_waited_for = kind.refuses && !result.err.empty();
    if (!was_waited_for && std::find(failures.begin(), failures.end(), code) == failures.end())
      return "neither done nor failed: " + how;
    return result.err.empty() && !kind.may_be_silent ? how + "and no word of it" : "";
  }

  const job_maker& make_;
  const faults_in where_;
  std::vector<std::string> options_;
  sigkit::exit_status normal_ = sigkit::exit_status::exited(-1);
};

} // namespace

std::string why_no_faults() {
#if SIGKIT_TESTS_SANITIZED
  return "a sanitizer's search for leaks does not work under strace";
#else
  const temporary_directory directory;
  const auto result =
      run(under_strace({"true"}, {"--inject=getuid:error=EPERM"}, directory.path() + "/log"));
  if (result.status == sigkit::exit_status::exited(0)) return {};
  return "strace does not work here: " + result.err;
#endif
}

fault_figures inject_everywhere(const job_maker& make, faults_in where) {
  fault_runs runs(make, where);
  const auto lines = runs.trace();
  if (lines.empty()) return runs.figures_;
  auto calls =
      where == faults_in::child ? calls_before_command(apart(lines).child) : calls_in(lines);
  if (where == faults_in::program) calls.erase(calls.begin()); // strace's own execve(2)
  runs.figures_.calls = calls.size();
  const extent wanted = wanted_extent();
  if (wanted != extent::all) calls = some_of(calls);
  constexpr int a_few = 4;
  std::map<std::string, int> taken;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (wanted == extent::some && (calls[i].by_c_library || ++taken[calls[i].name] > a_few))
      continue;
    auto errors = errors_of(calls[i].name, calls[i].text);
    if (wanted == extent::some && !errors.empty()) errors = {errors[i % errors.size()]};
    for (const std::string& error : errors)
      runs.inject(calls[i], error);
  }
  return runs.figures_;
}

fault_figures inject_always(const job_maker& make, const std::vector<std::string>& faults) {
  fault_runs runs(make, faults_in::all);
  if (runs.trace().empty()) return runs.figures_;
  std::string what;
  for (const std::string& fault : faults)
    what += fault + " ";
  runs.run_with(faults, what + "always", {});
  return runs.figures_;
}

} // namespace test
