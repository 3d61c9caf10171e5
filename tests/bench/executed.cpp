// nm -S FILE | executed FILE COMMAND [ARGUMENT]...: which functions of FILE, a shared library, are
// executed when COMMAND runs, until it and its children execute another program. Goes through it
// step by step, on x86-64.
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>

namespace {

struct span {
  std::uintptr_t start;
  std::uintptr_t end;
};

struct function {
  std::uintptr_t size;
  std::string name;
};

/// As nm(1) lists them: by where each starts.
std::map<std::uintptr_t, function> read_functions(std::istream& list) {
  std::map<std::uintptr_t, function> functions;
  for (std::string line; std::getline(list, line);) {
    std::istringstream words(line);
    std::uintptr_t start = 0;
    function one{};
    std::string type;
    if (words >> std::hex >> start >> one.size >> type >> one.name && one.size != 0)
      functions.emplace(start, std::move(one));
  }
  return functions;
}

/// Where the process has mapped the code of the file, which starts at its first byte.
std::optional<span> find_code(pid_t process, const std::string& file) {
  std::ifstream maps("/proc/" + std::to_string(process) + "/maps");
  for (std::string line; std::getline(maps, line);) {
    if (!line.ends_with(file) || line.find(" r-xp ") == std::string::npos) continue;
    span found{};
    if (std::sscanf(line.c_str(), "%lx-%lx", &found.start, &found.end) == 2) return found;
  }
  return std::nullopt;
}

[[noreturn]] void become(char** command) {
  ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
  std::raise(SIGSTOP);
  ::execv(command[0], command);
  std::perror(command[0]);
  std::_Exit(127);
}

class stepper {
public:
  stepper(std::string file, pid_t first) : file_(std::move(file)), first_(first) {}

  void run() {
    int status = 0;
    ::waitpid(first_, &status, 0);
    ::ptrace(PTRACE_SETOPTIONS, first_, nullptr,
             PTRACE_O_TRACEEXEC | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK);
    ::ptrace(PTRACE_CONT, first_, nullptr, nullptr);
    for (pid_t process = 0; (process = ::waitpid(-1, &status, __WALL)) > 0;)
      if (WIFSTOPPED(status)) stopped(process, status);
  }

  [[nodiscard]] const std::set<std::uintptr_t>& addresses() const noexcept { return addresses_; }

private:
  void stopped(pid_t process, int status) {
    const bool executes = status >> 16 == PTRACE_EVENT_EXEC;
    if (executes && (process != first_ || started_)) {
      ::ptrace(PTRACE_DETACH, process, nullptr, nullptr);
      return;
    }
    started_ = started_ || executes;
    note(process);
    const int signal = WSTOPSIG(status);
    const bool passes = signal != SIGTRAP && signal != SIGSTOP;
    ::ptrace(PTRACE_SINGLESTEP, process, nullptr, passes ? signal : 0);
  }

  void note(pid_t process) {
    user_regs_struct registers{};
    if (::ptrace(PTRACE_GETREGS, process, nullptr, &registers) != 0) return;
    constexpr int pause = 256;
    if (!code_ && steps_++ % pause == 0) code_ = find_code(process, file_);
    if (code_ && registers.rip >= code_->start && registers.rip < code_->end)
      addresses_.insert(registers.rip - code_->start);
  }

  std::string file_;
  pid_t first_;
  bool started_ = false;
  int steps_ = 0;
  std::optional<span> code_;
  std::set<std::uintptr_t> addresses_;
};

} // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: executed FILE COMMAND [ARGUMENT]...\n", stderr);
    return 2;
  }
  const pid_t child = ::fork();
  if (child == 0) become(argv + 2);
  stepper steps(argv[1], child);
  steps.run();
  const auto functions = read_functions(std::cin);
  std::set<std::string> names;
  for (const std::uintptr_t address : steps.addresses()) {
    const auto after = functions.upper_bound(address);
    if (after == functions.begin()) continue;
    const auto& [start, found] = *std::prev(after);
    if (address < start + found.size) names.insert(found.name);
  }
  for (const std::string& name : names)
    std::puts(name.c_str());
}
