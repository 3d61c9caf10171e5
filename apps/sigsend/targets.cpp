#include "sigsend/targets.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include <sigkit/signal_id.hpp>

#include "common/message.hpp"
#include "common/options.hpp"
#include "common/text.hpp"
#include "sigsend/pid_file.hpp"
#include "sigsend/target_word.hpp"

namespace sigkit::apps {

namespace {

class finder {
public:
  finder(const send_request& wanted, escalation& into) : wanted_(wanted), into_(into) {}

  found_targets find() {
    const std::vector<target_word> words = read_words(wanted_);
    const bool asks = wanted_.interactive && wanted_.what == send_request::action::send;
    if (asks && !proc_is_usable())
      throw error(ENOENT, "asking about processes: /proc does not show this PID namespace");
    for (const target_word& word : words)
      add_checked(word);
    if (wanted_.has_conditions) select(!words.empty());
    for (named& one : named_)
      if (!asks || is_confirmed(one)) into_.add(std::move(one.process));
    return std::move(found_);
  }

private:
  struct named {
    process_ref process;
    std::string word;
  };

  void lose(std::string_view word, const std::string& why, bool gone = true) {
    complain(why);
    found_.not_reached.push_back({.word = std::string(word), .why = why, .gone = gone});
  }

  /// One that cannot be had does not keep the others from being signalled.
  void add_checked(const target_word& word) {
    try {
      add(word);
    } catch (const usage_error&) {
      throw;
    } catch (const std::exception& failed) {
      lose(word.text, failed.what(), false);
    }
  }

  void add(const target_word& word) {
    using kind = target_word::kind;
    switch (word.is) {
    case kind::process: add_process(word.number, word); break;
    case kind::group: add_group(word); break;
    case kind::thread: add_thread(word); break;
    case kind::name: add_named(word.text); break;
    case kind::file: add_from_file(word); break;
    }
  }

  void add_process(pid_t pid, const target_word& word) {
    auto found = word.inode != 0 ? process_ref::open(process_identity{pid, 0, word.inode})
                                 : open_process_or_thread(pid);
    if (!found) {
      lose(word.text, in_quotes(word.text) + ": " + std::strerror(ESRCH));
      return;
    }
    found_.words.emplace(found->pid(), word.text);
    keep(std::move(*found), word.text);
  }

  /// The lock is looked at when the process is held, which is there afterwards: it is its own.
  void add_from_file(const target_word& word) {
    const pid_file file(std::string(word.text.substr(1)));
    auto found = process_ref::open(file.pid());
    if (found && wanted_.locked) file.check_lock();
    if (!found || found->send(signull) == delivery::gone) {
      lose(word.text, in_quotes(word.text) + ": " + std::strerror(ESRCH));
      return;
    }
    found_.words.emplace(found->pid(), word.text);
    keep(std::move(*found), word.text);
  }

  /// For kill(2) the ID of a thread stands for its process.
  static std::optional<process_ref> open_process_or_thread(pid_t id) {
    try {
      return process_ref::open(id);
    } catch (const error& failed) {
      const auto status = proc_is_usable() ? read_status(id) : std::nullopt;
      if (failed.code().value() != EINVAL || !status || status->process == id) throw;
      return process_ref::open(status->process);
    }
  }

  void keep(process_ref process, std::string_view word) {
    if (named_.size() >= most_held_) process.release();
    named_.push_back({std::move(process), std::string(word)});
  }

  void add_thread(const target_word& word) {
    if (!into_.add_thread(word.thread, word.number))
      lose(word.text, in_quotes(word.text) + ": no such thread");
  }

  void add_group(const target_word& word) {
    if (wanted_.has_conditions || wanted_.interactive) {
      add_members(word);
      return;
    }
    const bool is_own = word.number == 0 || word.number == ::getpgrp();
    found_.reaches_self = found_.reaches_self || is_own;
    into_.add_group(word.number);
  }

  void add_members(const target_word& word) {
    const pid_t group = word.number == 0 ? ::getpgrp() : word.number;
    const std::size_t before = named_.size();
    for (const process_facts& facts : all_processes()) {
      const bool belongs = group == -1 ? facts.pid != 1 && !facts.kernel : facts.group == group;
      if (!belongs || facts.pid == ::getpid()) continue;
      auto found = process_ref::open(process_identity{facts.pid, facts.start_time, 0});
      if (found) keep(std::move(*found), word.text);
    }
    if (named_.size() == before)
      lose(word.text, in_quotes(word.text) + ": " + std::strerror(ESRCH));
  }

  void add_named(std::string_view name) {
    process_conditions conditions;
    conditions.called.emplace_back(name);
    if (!wanted_.all_users) conditions.owners.push_back(::getuid());
    conditions.include_init = true;
    conditions.include_self = wanted_.options.include_self;
    auto found = select_processes(conditions);
    for (selected_process& one : found)
      keep(std::move(one.process), name);
    if (!found.empty()) return;
    conditions.include_self = true;
    const bool is_of_ours = !select_processes(conditions).empty();
    const std::string who = wanted_.all_users ? "process" : "process of yours";
    const auto signal = parse_signal(name);
    const std::string hint = signal ? " (-" + signal->name() + " is the signal)" : "";
    lose(name, in_quotes(name) +
                   (is_of_ours ? ": only sigsend or its ancestors have this name "
                                 "(--include-self)"
                               : ": invalid process id, and no " + who + " has this name" + hint));
  }

  void select(bool among_named) {
    process_conditions conditions = wanted_.conditions;
    conditions.include_self = wanted_.options.include_self;
    std::vector<process_ref> processes;
    for (named& one : named_)
      processes.push_back(std::move(one.process));
    auto selected =
        among_named ? select_processes(conditions, processes) : select_processes(conditions);
    named_.clear();
    for (selected_process& one : selected)
      named_.push_back({std::move(one.process), {}});
    if (named_.empty()) complain("no process matches" + hint());
  }

  /// The kernel cuts names off.
  [[nodiscard]] std::string hint() const {
    constexpr std::size_t longest = 15;
    for (const std::string& text : wanted_.conditions.name)
      if (text.size() > longest && text.find_first_of(".[]{}()*+?|^$\\") == std::string::npos)
        return ": names have at most 15 characters, " + in_quotes(text) +
               " has more (see --command)";
    return "";
  }

  bool is_confirmed(const named& one) {
    const pid_t pid = one.process.pid();
    process_description about = describe(pid, 0);
    if (one.process.send(signull) == delivery::gone) { // what was read may be another's
      lose(std::to_string(pid), in_quotes(std::to_string(pid)) + ": " + std::strerror(ESRCH));
      return false;
    }
    const scope reach = wanted_.options.reach;
    say(fmt::format("{}: send {} to {} {} {} {}{}? [y/N] ", program_name(),
                    wanted_.options.signal.name(), pid, about.user, about.age,
                    cut_to(about.command, 60),
                    reach == scope::process ? "" : std::string(" and its ") + to_string(reach)));
    if (is_yes()) return true;
    found_.not_reached.push_back({.word = one.word.empty() ? std::to_string(pid) : one.word,
                                  .why = "the answer was no",
                                  .gone = false,
                                  .pid = pid,
                                  .about = std::move(about)});
    return false;
  }

  /// One line of stdin, read byte by byte: what follows is for somebody else.
  static bool is_yes() {
    std::string answer;
    char byte = 0;
    while (::read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n')
      answer += byte;
    if (byte != '\n') say("\n");
    return answer.starts_with('y') || answer.starts_with('Y');
  }

  /// A quarter of the descriptors, but for some that all else needs.
  static std::size_t most_held() {
    constexpr rlim_t for_all_else = 16;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur <= for_all_else) return 0;
    return static_cast<std::size_t>((limit.rlim_cur - for_all_else) / 4);
  }

  const send_request& wanted_;
  escalation& into_;
  found_targets found_;
  std::vector<named> named_;
  const std::size_t most_held_ = most_held();
};

} // namespace

void make_room_for(const send_request& wanted) {
  const bool is_one_process = wanted.words.size() == 1 && is_number(wanted.words.front()) &&
                              wanted.options.reach == scope::process;
  rlimit limit{};
  if (is_one_process || ::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

found_targets add_targets(const send_request& wanted, escalation& into) {
  return finder(wanted, into).find();
}

} // namespace sigkit::apps
