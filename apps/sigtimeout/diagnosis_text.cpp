#include "sigtimeout/diagnosis_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/message.hpp"
#include "common/signal_text.hpp"
#include "common/text.hpp"

namespace sigkit::apps {

namespace {

using tree = std::vector<process_diagnosis>;

constexpr std::size_t line_width = 100;
constexpr std::size_t least_width = 30;    ///< that a command and the lines below it have
constexpr std::size_t deepest_branch = 16; ///< what is below stands beside it

/// Lines of at most `limit` characters where there are spaces to break at; all but the first begin
/// with two more.
std::vector<std::string> wrapped(std::string_view text, std::size_t limit) {
  std::vector<std::string> lines(1);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' ', 1), text.size());
    std::string_view word = text.substr(0, end);
    text.remove_prefix(end);
    const bool fits = lines.back().empty() || width(lines.back()) + width(word) <= limit;
    if (!fits) {
      word.remove_prefix(1);
      lines.emplace_back("  ");
    }
    lines.back() += word;
  }
  return lines;
}

bool is_ended(char state) {
  return state == 'Z' || state == 'X';
}

/// A process lives as long as one of its threads does, even where the first has ended.
bool lives(const process_diagnosis& process) {
  if (process.threads.empty()) return !is_ended(process.facts.state);
  return std::any_of(process.threads.begin(), process.threads.end(),
                     [](const thread_diagnosis& thread) { return !is_ended(thread.state); });
}

std::string size_text(std::uint64_t bytes) {
  std::string_view units = "KMGTPE";
  std::uint64_t unit = 1024;
  for (; bytes / unit >= 1024; unit *= 1024)
    units.remove_prefix(1);
  const double size = static_cast<double>(bytes) / static_cast<double>(unit);
  return fmt::format("{:.{}f}{}", size, size < 10 && units.front() != 'K' ? 1 : 0, units.front());
}

std::string signals_text(const process_diagnosis& process) {
  std::string text;
  const auto add = [&](const char* verb, const std::string& names) {
    if (!names.empty()) text += (text.empty() ? "" : "; ") + std::string(verb) + names;
  };
  add("catches", set_text(process.caught));
  add("ignores", set_text(process.ignored));
  add("blocks", set_text(process.blocked));
  add("pending", names_of(process.pending));
  return text;
}

/// "in read(0) of pipe:[123] (wait channel anon_pipe_read)"; nothing for one that runs.
std::string place_text(const thread_diagnosis& thread) {
  std::string text;
  if (!thread.system_call.empty()) {
    text = "in " + escaped(thread.system_call);
    if (!thread.waits_on.empty())
      text +=
          fmt::format("({}) of {}", static_cast<std::int32_t>(thread.first_argument.value_or(0)),
                      escaped(thread.waits_on));
  } else if (!thread.wait_channel.empty()) {
    text = "in the kernel";
  }
  if (!thread.wait_channel.empty()) text += " (wait channel " + escaped(thread.wait_channel) + ")";
  return text;
}

/// Threads that do the same.
struct thread_group {
  const thread_diagnosis* first;
  std::string place;
  std::size_t count = 1;
  bool same_name = true;
};

std::vector<thread_group> groups_of(const std::vector<thread_diagnosis>& threads) {
  std::vector<thread_group> groups;
  for (const thread_diagnosis& thread : threads) {
    const std::string place = place_text(thread);
    const auto known = std::find_if(groups.begin(), groups.end(), [&](const thread_group& group) {
      return group.first->state == thread.state && group.place == place &&
             group.first->pending == thread.pending;
    });
    if (known == groups.end()) {
      groups.push_back({&thread, place});
    } else {
      ++known->count;
      known->same_name = known->same_name && known->first->name == thread.name;
    }
  }
  return groups;
}

std::string count_text(std::size_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

/// "5 threads (worker) in futex (wait channel futex_wait_queue)", "1 thread stopped, in read".
std::string group_text(const process_diagnosis& process, const thread_group& group) {
  const thread_diagnosis& first = process.threads.front();
  const bool has_first = group.first == &first;
  if (has_first && group.count == 1) return group.place; // its state is in the line above
  std::string text = count_text(group.count, "thread");
  if (group.same_name && group.first->name != process.facts.name)
    text += " (" + escaped(group.first->name) + ")";
  const bool needs_state = group.place.empty() || group.first->state != first.state;
  if (needs_state) text += " " + state_word(group.first->state);
  if (!group.place.empty()) text += (needs_state ? ", " : " ") + group.place;
  // What is pending for the first thread stands with what is pending for the process.
  if (!has_first && !group.first->pending.empty())
    text += "; pending" + names_of(group.first->pending);
  return text;
}

std::vector<std::string> lines_below(const process_diagnosis& process) {
  constexpr std::size_t most_groups = 8;
  std::vector<std::string> lines;
  std::vector<thread_group> groups = groups_of(process.threads);
  if (groups.size() > most_groups) groups.resize(most_groups);
  std::size_t told = 0;
  for (const thread_group& group : groups) {
    told += group.count;
    if (std::string text = group_text(process, group); !text.empty())
      lines.push_back(std::move(text));
  }
  const auto count = static_cast<std::size_t>(std::max(process.facts.threads, 0));
  const std::size_t all = std::max(count, process.threads.size());
  if (told != 0 && told < all) lines.push_back("and " + count_text(all - told, "more thread"));
  if (std::string text = signals_text(process); !text.empty() && lives(process))
    lines.push_back(std::move(text));
  return lines;
}

/// What is drawn before a process, and before the lines below it.
struct branch {
  std::string head;
  std::string below;
};

std::size_t drawn_depth(const process_diagnosis& process) {
  return std::min(static_cast<std::size_t>(std::max(process.depth, 0)), deepest_branch);
}

std::vector<branch> branches_of(const tree& processes) {
  std::vector<branch> branches(processes.size());
  std::vector<bool> continues; // for each depth, whether a sibling is still to come
  for (std::size_t i = processes.size(); i-- > 0;) {
    const std::size_t depth = drawn_depth(processes[i]);
    const bool has_child = continues.size() > depth + 1 && continues[depth + 1];
    continues.resize(depth + 1);
    branch& drawn = branches[i];
    for (std::size_t level = 1; level < depth; ++level)
      drawn.below += continues[level] ? "│  " : "   ";
    drawn.head = drawn.below;
    if (depth > 0) {
      drawn.head += continues[depth] ? "├─ " : "└─ ";
      drawn.below += continues[depth] ? "│  " : "   ";
    }
    drawn.below += has_child ? "│  " : "   ";
    continues[depth] = true;
  }
  return branches;
}

struct suspects {
  std::vector<bool> marked;
  std::string explanation;
};

/// A reader of a pipe waits for who writes to it, such as `tee` for the job.
bool reads_from_pipe(const process_diagnosis& process) {
  return process.threads.size() == 1 && process.threads.front().system_call.starts_with("read") &&
         process.threads.front().waits_on.starts_with("pipe:");
}

/// Those that live and have no child that does.
std::vector<std::size_t> leaves_of(const tree& processes) {
  std::vector<std::size_t> leaves;
  std::vector<bool> living_below; // for each depth, whether one lives there below the same parent
  for (std::size_t i = processes.size(); i-- > 0;) {
    const auto depth = static_cast<std::size_t>(std::max(processes[i].depth, 0));
    const bool has_child = living_below.size() > depth + 1 && living_below[depth + 1];
    living_below.resize(depth + 1);
    if (!lives(processes[i]) && !has_child) continue;
    living_below[depth] = true;
    if (!has_child) leaves.push_back(i);
  }
  return leaves;
}

/// A job that works through its steps hangs in the last one that it started, and what it started
/// before is more likely to serve that one.
suspects suspects_in(const tree& processes) {
  suspects result{std::vector<bool>(processes.size()), {}};
  std::vector<std::size_t> leaves = leaves_of(processes);
  if (leaves.empty()) return result;
  const auto is_reader = [&](std::size_t i) { return reads_from_pipe(processes[i]); };
  const auto readers = std::count_if(leaves.begin(), leaves.end(), is_reader);
  const bool without_readers = readers != 0 && static_cast<std::size_t>(readers) != leaves.size();
  if (without_readers)
    leaves.erase(std::remove_if(leaves.begin(), leaves.end(), is_reader), leaves.end());
  std::uint64_t youngest = 0;
  for (const std::size_t i : leaves)
    youngest = std::max(youngest, processes[i].facts.start_time);
  for (const std::size_t i : leaves)
    result.marked[i] = processes[i].facts.start_time == youngest;
  result.explanation =
      fmt::format("* look here first: {}{}\n",
                  leaves.size() == 1 ? "it alone has no child to wait for"
                                     : "of those without a child to wait for, the last to start",
                  without_readers ? " (readers of pipes aside)" : "");
  return result;
}

constexpr std::size_t column_count = 5;
using cells = std::array<std::string, column_count>;

cells cells_of(const process_diagnosis& process) {
  return {std::to_string(process.facts.pid), state_word(process.facts.state),
          length_text(process.cpu_time), size_text(process.memory), length_text(process.age)};
}

std::string row_text(const cells& row, const std::array<std::size_t, column_count>& widths,
                     bool marked) {
  return fmt::format("{} {:>{}}  {:<{}}  {:>{}}  {:>{}}  {:>{}}  ", marked ? '*' : ' ', row[0],
                     widths[0], row[1], widths[1], row[2], widths[2], row[3], widths[3], row[4],
                     widths[4]);
}

/// `columns` and the command line, and what there is to say below them.
std::string process_text(const process_diagnosis& process, const std::string& columns,
                         const branch& drawn) {
  const auto room = [](std::string_view before) {
    return line_width - std::min(width(before), line_width - least_width);
  };
  const std::string row = columns + drawn.head;
  std::string text =
      row + cut_to(command_text(process.command_line, process.facts.name), room(row)) + "\n";
  const std::string margin = std::string(width(columns), ' ') + drawn.below;
  for (const std::string& below : lines_below(process))
    for (const std::string& line : wrapped(below, room(margin)))
      text += margin + line + "\n";
  return text;
}

} // namespace

std::string diagnosis_text(const std::vector<process_diagnosis>& tree) {
  if (tree.empty()) return {};
  std::vector<cells> rows{{"PID", "STATE", "CPU", "MEMORY", "AGE"}};
  for (const process_diagnosis& process : tree)
    rows.push_back(cells_of(process));
  std::array<std::size_t, column_count> widths{};
  for (const cells& row : rows)
    for (std::size_t column = 0; column < column_count; ++column)
      widths[column] = std::max(widths[column], width(row[column]));
  const std::vector<branch> branches = branches_of(tree);
  const suspects marks = suspects_in(tree);
  std::string text = row_text(rows.front(), widths, false) + "COMMAND\n";
  for (std::size_t i = 0; i < tree.size(); ++i)
    text += process_text(tree[i], row_text(rows[i + 1], widths, marks.marked[i]), branches[i]);
  return text + marks.explanation;
}

} // namespace sigkit::apps
