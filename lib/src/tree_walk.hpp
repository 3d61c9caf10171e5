#pragma once

#include <sys/types.h>

#include <csignal>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include <sigkit/error.hpp>
#include <sigkit/process.hpp>
#include <sigkit/process_ref.hpp>
#include <sigkit/process_tree.hpp>
#include <sigkit/signal_id.hpp>
#include <sigkit/unique_fd.hpp>

#include "system.hpp"

namespace sigkit {

/// Whether a thread with these texts of /proc/PID/task/TID/syscall and wchan, in uninterruptible
/// sleep, is about to make a process: it then does not stop before it has. One that waits for
/// vfork(2) has made it.
bool is_making_process(std::string_view system_call, std::string_view wait_channel);

class tree_walk;

/// Who belongs to what is walked besides the children of its members.
class membership {
public:
  membership() = default;
  membership(const membership&) = delete;
  membership& operator=(const membership&) = delete;
  virtual ~membership() = default;

  /// One to begin with.
  virtual void add_root(const process_facts& root) = 0;
  /// Those that may; asked for once in each pass, after all that were known have been visited.
  virtual std::vector<pid_t> candidates(const tree_walk& walk) = 0;
  /// Whether this one does, which the open /proc/PID `process` holds.
  virtual bool includes(const process_facts& facts, int process) = 0;
  /// Whether it stands still without having been stopped.
  virtual bool is_frozen(const process_facts& /*facts*/) { return false; }
  /// Before the freezing, and after the signal, which was for all where that is said.
  virtual void freeze() {}
  virtual void thaw(std::optional<signal_id> /*for_all*/) noexcept {}
};

/// How processes are walked that this one does not supervise.
struct walk_setting {
  bool children = true;          ///< a child of a member is a member
  membership* further = nullptr; ///< who else is
  std::set<pid_t> spared;        ///< never stopped: this process, its ancestors
  std::size_t budget = 0;        ///< how many descriptors are kept
};

/// A signal for those that were found.
struct walk_signal {
  signal_id signal;
  std::optional<int> value = {};
  const siginfo_t* received = nullptr; ///< what is sent on as it came, in place of a value
  std::function<bool(const process_facts&)> wanted = {};
  /// Told of each that was wanted, with 0 or errno. Where it is empty, what is none of `delivery`
  /// is thrown.
  std::function<void(const process_facts&, int)> tell = {};
  bool to_spared = false; ///< to those that are never stopped as well, after all others
};

/// The descendants of one process, or what else a walk_setting says, gone over again and again
/// until they are all known.
class tree_walk {
public:
  explicit tree_walk(walk_setting setting);

  /// One to begin with; false where it has ended.
  bool add_root(const process_facts& root);

  /// `left_out`, children of `root`, are, with all below them. Where `root` has ended nothing is
  /// found. Throws where /proc is not usable.
  explicit tree_walk(pid_t root, std::set<pid_t> left_out = {});

  /// While freezing, children of this process that have ended are reaped, but for `kept` and
  /// those that are left out: what flees would else leave them by the thousand, until no PID is
  /// left. For a walk of which this process is the root.
  void reap_all_but(pid_t kept) noexcept { kept_ = kept; }

  /// As many as this process may give itself, which it has for as long as this lives. For a process
  /// that starts no other meanwhile.
  void keep_more_files();

  /// Goes over the tree once, from the top; with `stop`, sends STOP to each process that it sees
  /// for the first time. True where the pass found the same processes as the one before, and both
  /// found every thread at rest: stopped, ended, or in uninterruptible sleep, but not in the middle
  /// of making a process. Ends at `deadline`.
  bool pass(bool stop, sys::clock::time_point deadline);

  /// Passes that stop what they find, until pass() says that all is at rest. False where that took
  /// longer than `patience`; as long as there is something new it goes on, for 5 s at most.
  bool freeze(duration patience = std::chrono::seconds(1));

  /// Passes until one finds nothing new, at most a hundred, and so long at most.
  void find_all(sys::clock::time_point deadline = sys::clock::time_point::max());

  /// Sends to all that the last pass has found, that are wanted and still there.
  tree_delivery send(const walk_signal& what);

  /// freeze(), send() of a signal that terminates, and continue_all().
  tree_delivery end_all(const walk_signal& what);

  /// CONT to those that were stopped from here, and to those that were sent something since.
  void continue_all() noexcept;

  /// Whether the last pass found this one.
  [[nodiscard]] bool has(pid_t pid) const;

  /// Whether the last pass met one that is never stopped.
  [[nodiscard]] bool has_spared() const;

  /// What holds or identifies one that was found.
  [[nodiscard]] process_ref reference_to(const process_facts& found) const;

  /// What the last pass found, parents before their children, where they kept their places.
  [[nodiscard]] std::vector<process_facts> facts() const;

private:
  struct member {
    process_facts facts;
    unique_fd process;   ///< its /proc directory, or a pidfd where it is hidden
    unique_fd stat;      ///< these two in it: to open them takes as long as to read them
    unique_fd children;  ///< of its first thread
    bool hidden = false; ///< listed as a child, but /proc does not show it
    bool at_rest = false;
    bool stopped = false;     ///< by STOP from here, since the last CONT
    bool to_continue = false; ///< it was, or was sent a signal that it can act on then
    unsigned last_pass = 0;
  };

  bool pass_once(bool stop, sys::clock::time_point deadline);
  void keep_no_files() noexcept;
  bool belongs(const process_facts& facts, int process) const;
  void visit_further(bool stop, sys::clock::time_point deadline, bool& quiet);
  [[nodiscard]] std::vector<pid_t> children_of(const process_facts& facts, int process) const;
  [[nodiscard]] std::vector<pid_t> children_of_member(const member& known, int process) const;
  [[nodiscard]] std::vector<pid_t> children_of_root() const;
  void collect_by_parent();
  void reap_ended();
  void continue_those_left() noexcept;
  void send_to_one(member& target, const walk_signal& what, tree_delivery& result);
  [[nodiscard]] bool is_spared(pid_t pid) const { return setting_.spared.contains(pid); }
  void add_children(pid_t parent, std::vector<pid_t> children);
  bool visit_all(bool stop, sys::clock::time_point deadline);
  [[nodiscard]] bool is_kept_zombie(const member& known) const;
  [[nodiscard]] bool has_room() const noexcept;
  void add_listed_children(const member& hidden);
  bool add_own_zombie(pid_t pid, pid_t parent);
  bool visit(pid_t pid, pid_t parent, bool stop);
  bool visit_known(member& known, bool stop);
  bool look_at(member& seen, process_facts facts, int process, bool stop, bool is_new);
  bool visit_hidden(pid_t pid, pid_t parent, bool stop);
  void stop_hidden(member& known) const;
  [[nodiscard]] bool is_listed_child(pid_t pid, pid_t parent) const;
  static int send_to(const member& target, const walk_signal& what);
  static unique_fd reopen(const member& target);
  static void close_files(member& known) noexcept;

  struct edge {
    pid_t parent;
    pid_t child;
  };

  walk_setting setting_;
  std::vector<pid_t> roots_;
  pid_t root_; ///< whose descendants are walked; 0 where there are `roots_`
  bool root_is_self_ = false;
  std::set<pid_t> left_out_;
  std::optional<pid_t> kept_;
  std::unique_ptr<sys::raised_descriptor_limit> more_descriptors_;
  unique_fd root_process_;
  bool has_children_files_;
  std::map<pid_t, member> members_;
  std::multimap<pid_t, pid_t> by_parent_; ///< where the kernel has no children files
  std::vector<pid_t> order_;
  std::deque<edge> to_visit_;
  unsigned pass_number_ = 0;
  bool found_new_ = false;
};

} // namespace sigkit
