#include <sigkit/supervise.hpp>

#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include <sigkit/disposition.hpp>

#include "own_wake.hpp"
#include "supervision.hpp"

namespace sigkit {

const char* to_string(outcome how) noexcept {
  switch (how) {
  case outcome::exited: return "exited";
  case outcome::signaled: return "signaled";
  case outcome::timed_out: return "timed_out";
  case outcome::idle: return "idle";
  case outcome::cpu_limit: return "cpu_limit";
  case outcome::deadline: return "deadline";
  case outcome::interrupted: return "interrupted";
  case outcome::out_of_memory: return "out_of_memory";
  case outcome::not_found: return "not_found";
  case outcome::not_executable: return "not_executable";
  case outcome::failed: return "failed";
  }
  return "?";
}

detail::supervision::supervision(supervise_options options, supervise_events* events)
    : options_(std::move(options)), events_(events != nullptr ? events : &silent_),
      window_changes_(options_.relay && options_.relay != relay_by::pipe ? signal_set{sigwinch}
                                                                         : signal_set{}),
      rungs_(options_), limits_(options_), lines_(options_.traps), handled_(signals_to_handle()) {
  check();
}

signal_set detail::supervision::signals_to_handle() const {
  if (options_.stand_in) return signal_set::changeable();
  // Time spent stopped counts: who goes on must look at the clock, for the kernel goes on with what
  // was left of a wait.
  const signal_set wakes = options_.dedicated_process ? signal_set{sigcont} : signal_set{};
  return handled_signals() | window_changes_ | wakes;
}

signal_set detail::supervision::signals_to_block() const {
  return (options_.stand_in ? signal_set::changeable() : blocked_signals()) | signals_to_handle();
}

detail::supervision::~supervision() {
  if (is_subreaper_ && was_subreaper_ == 0) ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

/// What would be found out only when it is to be sent.
void detail::supervision::check() const {
  const auto check_signal = [](signal_id signal) {
    if (!signal_id::from_number(signal.number()))
      fail(EINVAL, "a supervisor that sends signal " + signal.name());
  };
  const auto check_time = [](duration length) {
    if (length < duration::zero()) fail(EINVAL, "a supervisor with a negative time");
  };
  check_signal(options_.signal);
  check_signal(options_.warn_signal);
  check_signal(options_.parent_death);
  for (const trap& one : options_.traps)
    check_signal(one.action.signal);
  if (!options_.traps.empty() && !options_.stand_in)
    fail(EINVAL, "a supervisor with traps, which does not stand in for the command");
  if (options_.reap_orphans && !options_.dedicated_process)
    fail(EINVAL, "a supervisor that reaps orphans in a process with children of its own");
  for (const duration length :
       {options_.limit, options_.idle, options_.cpu, options_.warn, options_.heartbeat,
        options_.tick, options_.hook_limit, options_.action_limit})
    check_time(length);
  if (options_.reach == scope::pid_namespace && options_.left_behind == orphans::leave)
    fail(EINVAL, "a supervisor that leaves something of a namespace");
  for (const step& one : options_.steps) {
    check_signal(one.signal);
    check_time(one.after);
    if (one.reach == scope::pid_namespace && options_.reach != scope::pid_namespace)
      fail(EINVAL,
           "a step over a namespace, where the scope is " + std::string(to_string(options_.reach)));
  }
}

detail::wait_end detail::supervision::begin(char* const* argv) {
  if (std::exchange(begun_, true)) fail(EINVAL, "a supervisor that is run a second time");
  try {
    if (!start(argv)) {
      complete_result();
      return wait_end::ready;
    }
  } catch (...) {
    kill_command();
    throw;
  }
  return go_on();
}

detail::wait_end detail::supervision::go_on() {
  try {
    while (!finished()) {
      const bool handlers_due = wait_for_something();
      read_signals();
      pass_output_on();
      reap();
      run_lines();
      end_actions(sys::clock::now());
      if (!given_up_) act_on_time();
      if (handlers_due && !finished()) return wait_end::again;
    }
    complete_result();
  } catch (...) {
    kill_command();
    throw;
  }
  return wait_end::ready;
}

/// Whether descendants have to be found whose parents have died.
bool detail::supervision::needs_all_descendants() const {
  const bool waits = options_.left_behind == orphans::wait || options_.left_behind == orphans::kill;
  return waits || options_.accounting || options_.find_all || options_.cpu != duration::zero() ||
         rungs_.has_scope(scope::tree) || rungs_.has_scope(scope::cgroup) ||
         rungs_.has_scope(scope::pid_namespace);
}

/// The scope that reaches all, as wide as there is one.
scope detail::supervision::widest_scope() const noexcept {
  return control_group_ ? scope::cgroup : scope::tree;
}

/// The one that was made for the command; null where none was.
const cgroup* detail::supervision::own_cgroup() const noexcept {
  return control_group_ ? &control_group_->group() : nullptr;
}

void detail::supervision::choose_scope() {
  if (rungs_.has_scope(scope::cgroup)) {
    control_group_.emplace();
  } else if (rungs_.has_scope(scope::automatic)) {
    try {
      control_group_.emplace();
    } catch (const error&) { // then as a tree
      control_group_.reset();
    }
  }
  rungs_.resolve_automatic(widest_scope());
  if (options_.reach == scope::automatic) options_.reach = widest_scope();
}

spawn_options detail::supervision::how_to_spawn(bool new_session) const {
  spawn_options how;
  how.mask = (mask_.previous() | options_.block) - options_.unblock;
  how.ignore = options_.ignore;
  how.reset = options_.reset;
  how.catches_none = options_.catches_none;
  if (child_signal_.was_ignored() && !options_.reset.contains(sigchld)) how.ignore.insert(sigchld);
  how.parent_death = options_.signal;
  how.new_session = new_session;
  how.take_terminal = options_.give_terminal;
  if (!new_session && scope_->group() == grouping::command) how.group = 0;
  how.control_group = own_cgroup();
  if (relay_) how.descriptors = relay_->for_command();
  return how;
}

void detail::supervision::make_reaper() {
  // In the terminal's foreground group, what the command started is told by whom it descends from.
  const bool needs_all = needs_all_descendants();
  const bool needs_members =
      scope_->group() == grouping::foreground && rungs_.has_scope(scope::group);
  const bool own_namespace = options_.reach == scope::pid_namespace;
  if (own_namespace || (needs_all && (had_children_ || !options_.dedicated_process)))
    reaper_.emplace();
  else if ((needs_all || needs_members) && !had_children_)
    become_subreaper();
  else if (options_.reap_orphans)
    become_subreaper();
}

/// What the command ignores when it starts.
void detail::supervision::find_ignored(const spawn_options& how) {
  for (const signal_id signal : signal_set::changeable())
    if (get_disposition(signal) == disposition::ignored) starts_ignored_.insert(signal);
  starts_ignored_ = (starts_ignored_ | how.ignore) - how.reset;
}

/// False where the program could not be executed.
bool detail::supervision::start(char* const* argv) {
  choose_scope();
  const bool new_session = rungs_.has_scope(scope::session);
  const bool needs_proc = needs_all_descendants() || new_session;
  if (needs_proc && !proc_is_usable())
    fail(ENOENT, "finding what the command starts: /proc does not show this PID namespace");
  if (needs_proc) require_descriptors(24, "finding what the command starts");
  if (needs_proc && sys::pidfd_send_signal(-1, signull) == ENOSYS)
    fail(ENOSYS, "finding what the command starts: " + sys::pidfd_send_signal_named(ENOSYS));
  const auto runs = [](const trap& one) { return one.action.what == trap_action::kind::run; };
  if (std::ranges::any_of(options_.traps, runs)) require_descriptors(8, "running an action");
  had_children_ = options_.dedicated_process && has_children();
  signals_ = sys::make_signalfd(handled_);
  watch_parent();
  scope_.emplace(command_scope::setting{.foreground = options_.foreground,
                                        .dedicated_process = options_.dedicated_process,
                                        .new_session = new_session,
                                        .had_children = had_children_,
                                        .control_group = own_cgroup()});
  if (scope_->group() == grouping::foreground || options_.foreground) terminal_.save();
  if (options_.relay || options_.idle != duration::zero())
    relay_.emplace(options_.relay.value_or(relay_by::pipe));
  if (options_.give_terminal && new_session) give_up_terminal();
  const spawn_options how = how_to_spawn(new_session);
  if (rungs_.has_next() || !options_.traps.empty()) find_ignored(how);
  make_reaper();
  if (options_.cpu != duration::zero() || options_.accounting) usage_.emplace(own_cgroup());
  if (options_.accounting) memory_kills_before_ = count_memory_kills(own_cgroup());
  return start_command(argv, how);
}

bool detail::supervision::start_command(char* const* argv, const spawn_options& how) {
  const time_point now = sys::clock::now();
  limits_.start(now);
  const bool own_namespace = options_.reach == scope::pid_namespace;
  spawn_result started = reaper_ ? reaper_->start(argv, how, own_namespace) : spawn(argv, how);
  if (!started.process) {
    name_outcome(started.exec_error == ENOENT ? outcome::not_found : outcome::not_executable);
    result_.exec_error = started.exec_error;
    relay_.reset();
    return false;
  }
  command_ = std::move(started.process);
  const bool has_only_it = is_subreaper_ && !had_children_;
  const pid_t root = reaper_ ? reaper_->root() : has_only_it ? ::getpid() : command_->pid();
  scope_->set_command(&*command_, root);
  if (relay_) relay_->started();
  if (options_.idle != duration::zero()) silence_due_ = now;
  silence_seen_ = now;
  if (usage_) {
    usage_->set_root(root);
    sample_due_ = now;
  }
  return true;
}

/// Every process of the scope is opened. With no room for that it would be found out too late.
void detail::supervision::require_descriptors(unsigned needed, const char* what_for) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < needed)
    fail(EMFILE, std::string(what_for) + " needs a limit of " + std::to_string(needed) +
                     " open files, and it is " + std::to_string(limit.rlim_cur));
}

void detail::supervision::become_subreaper() {
  ::prctl(PR_GET_CHILD_SUBREAPER, &was_subreaper_);
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) fail(errno, "prctl(2) PR_SET_CHILD_SUBREAPER");
  is_subreaper_ = true;
  if (options_.dedicated_process)
    own_children_ = sys::open_at(AT_FDCWD, "/proc/thread-self/children", O_RDONLY);
}

/// The kernel tells the foreground group of the end of its terminal, and so this process, which has
/// it blocked.
void detail::supervision::give_up_terminal() {
  if (::getsid(0) != ::getpid() || ::ioctl(STDIN_FILENO, TIOCNOTTY) != 0) return;
  siginfo_t told;
  while (sys::take_signal({sighup, sigcont}, told)) {
  }
}

/// Its PID is in this namespace, or nothing but the kernel can tell.
void detail::supervision::watch_parent() {
  if (options_.parent_death == signull) return;
  const pid_t parent = ::getppid();
  if (parent == 0) {
    ::prctl(PR_SET_PDEATHSIG, options_.parent_death.number());
    return;
  }
  parent_ = pidfd::open(parent);
  if (::getppid() != parent) parent_.reset();
  if (!parent_) parent_has_ended_ = true;
}

detail::supervision::time_point detail::supervision::next_due() const {
  time_point due = retry_due_;
  for (const auto& [number, line] : lines_.lines())
    due = std::min(due, action_due(number, line));
  if (given_up_) return due; // nothing else is acted on any more
  if (limit_fires_ || parent_has_ended_) return {};
  return std::min({due, limits_.due(), rungs_.due(), sweep_due_, give_up_due_, hook_due_,
                   silence_due_, sample_due_, output_due_, reader_due_, foreground_due_});
}

/// Whether handlers are due.
bool detail::supervision::wait_for_something() {
  const own_wake wake;
  const time_point deadline = next_due();
  // The end of the command, should another thread have taken its SIGCHLD.
  int ended = result_.command ? -1 : command_->descriptor();
  if (reaper_) ended = all_gone_ ? -1 : reaper_->descriptor();
  sources_.assign({wake.source(),
                   {signals_.get(), POLLIN, 0},
                   {ended, POLLIN, 0},
                   {limits_.descriptor(), POLLIN, 0},
                   {hook_ ? hook_->descriptor() : -1, POLLIN, 0}});
  // The kernel takes no more of them than there may be open files: those of none are left out.
  if (parent_) sources_.push_back({parent_->descriptor(), POLLIN, 0});
  for (const auto& [number, line] : lines_.lines())
    if (line.running) sources_.push_back({line.running->descriptor(), POLLIN, 0});
  if (relay_) relay_->add_sources(sources_);
  const time_point limit = wake.limit(deadline);
  sys::poll_until(sources_, limit);
  if (sources_[3].revents != 0) limits_.follow_wall_clock();
  if (parent_ && sources_[5].revents != 0) parent_has_ended_ = true;
  if (std::exchange(parent_has_ended_, false)) parent_ended();
  return sources_[0].revents != 0 || limit != deadline;
}

void detail::supervision::pass_output_on() {
  if (!relay_ || output_ended_ || !relay_->pump()) return;
  silent_for_ = duration::zero();
  silence_seen_ = sys::clock::now();
}

detail::supervision* detail::new_supervision(failure& why, const supervise_options& options,
                                             supervise_events* events) noexcept {
  return at_border(why, [&] { return new supervision(options, events); });
}

detail::wait_end detail::begin_supervision(failure& why, supervision& begun,
                                           char* const* argv) noexcept {
  return at_border(why, [&] { return begun.begin(argv); });
}

detail::wait_end detail::continue_supervision(failure& why, supervision& begun) noexcept {
  return at_border(why, [&] { return begun.go_on(); });
}

void detail::abandon_supervision(supervision& begun) noexcept {
  begun.kill_command();
}

supervise_result detail::result_of(failure& why, const supervision& ended) noexcept {
  return at_border(why, [&] { return ended.result(); });
}

void detail::delete_supervision(supervision* begun) noexcept {
  delete begun;
}

} // namespace sigkit
