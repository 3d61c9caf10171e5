#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sigkit/duration.hpp>
#include <sigkit/process.hpp>
#include <sigkit/signal_id.hpp>
#include <sigkit/unique_fd.hpp>

// Reading /proc by descriptors: an open /proc/PID stays with its process. Once that has ended,
// every read through it fails, even if the PID is another's by then, and pidfd_send_signal(2)
// takes it as a pidfd. So what is read and what is signalled are one process.
namespace sigkit::proc {

/// An open directory /proc/PID; empty where there is no such process, or /proc hides it.
unique_fd open_process(pid_t pid);

/// All of a file; nothing where it cannot be read (any more).
std::optional<std::string> read_text(int directory, const char* file);

/// A number in the text of /proc/PID/stat by that of its field in proc(5), one of those after the
/// name; 0 where it is not there.
std::uint64_t stat_field(std::string_view stat, int field);

/// Clock ticks, which many of them are.
duration from_ticks(std::uint64_t ticks);

/// The time since the system was started, suspended or not: what start times are counted from.
duration since_boot();

/// The words in the text of /proc/PID/cmdline.
std::vector<std::string> words_of(std::string_view command_line);

/// From `file` ("stat", "task/4711/stat"); nothing where the process or thread has ended.
std::optional<process_facts> read_stat(int process, const char* file);

/// The same from the open file, again.
std::optional<process_facts> read_stat(int file);

/// The threads of a process, by the names in its directory `task`.
std::vector<pid_t> threads(int process);

/// The children of one thread, in the order of their creation; nothing where it has ended.
std::vector<pid_t> children(int process, pid_t thread);

/// The file that lists them; empty where the thread has ended.
unique_fd open_children(int process, pid_t thread);

/// The same from that, again.
std::vector<pid_t> read_children(int file);

/// The children of every thread of `facts`, which was just read through `process`.
std::vector<pid_t> children_of_all_threads(int process, const process_facts& facts);

/// Where in the hierarchy of cgroups of version 2 the process is ("0::" of /proc/PID/cgroup);
/// nothing where there is none.
std::optional<std::string> cgroup_path(int process);

/// Whether such a path is `other`, or below it.
bool is_in_cgroup(std::string_view path, std::string_view other);

/// The PIDs that /proc shows. Throws where it cannot be read.
std::vector<pid_t> pids();

/// Every process that /proc shows. Throws where it cannot be read.
std::vector<process_facts> processes();

/// close_range(2), which Linux has from 5.9; before, each that /proc lists, as far as it does.
void close_files(unsigned first, unsigned last) noexcept;

/// The numbers that name entries of a directory; none where its process has ended.
std::vector<pid_t> numbers_in(unique_fd directory);

} // namespace sigkit::proc
