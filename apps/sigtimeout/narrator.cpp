#include "sigtimeout/narrator.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <exception>
#include <utility>

#include <sigkit/mask.hpp>
#include <sigkit/spawn.hpp>

#include "common/ending.hpp"
#include "common/message.hpp"
#include "common/shell.hpp"
#include "sigtimeout/diagnosis_text.hpp"

namespace sigkit::apps {

namespace {

/// A reader that has stopped does not hold up the end for longer.
constexpr duration patience_at_end = std::chrono::seconds(5);

/// For a person: no more digits than matter.
duration digit_of(duration length) {
  using namespace std::chrono_literals;
  return length >= 10s ? duration(1s) : length >= 1s ? duration(100ms) : duration(1ms);
}

/// Never more than has passed.
std::string rounded(duration length) {
  return to_string(length / digit_of(length) * digit_of(length));
}

/// Never less than is left.
std::string rounded_up(duration length) {
  const duration digit = digit_of(length);
  return to_string((length + digit - duration(1)) / digit * digit);
}

std::string reason(outcome why, const supervise_options& options) {
  switch (why) {
  case outcome::idle: return "no output for " + to_string(options.idle);
  case outcome::cpu_limit: return to_string(options.cpu) + " of processor time used";
  case outcome::deadline: return "the time of --until has come";
  default: return "timed out";
  }
}

std::string times(const run_state& now) {
  std::string text = rounded(now.elapsed) + " gone";
  if (now.left) text += ", " + rounded_up(*now.left) + " left";
  if (now.silent) text += ", last output " + rounded(*now.silent) + " ago";
  return text;
}

} // namespace

unique_fd open_report(const std::string& path) {
  // Non-blocking: a FIFO that nobody reads is refused, and one that is read is not waited for.
  constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  unique_fd file(::open(path.c_str(), flags, 0666));
  if (!file.has_value()) throw error(errno, "cannot open " + in_quotes(path));
  return file;
}

narrator::narrator(const request& wanted)
    : wanted_(wanted), command_(in_quotes(wanted.command[0])),
      mask_(pthread_sigmask(mask_change::block, {})) {
  if (!wanted.diagnose_to.empty() && wanted.diagnose_to != "-")
    diagnosis_file_ = open_report(wanted.diagnose_to);
}

void narrator::say(std::string_view text) noexcept {
  clear_progress();
  err_.write(std::string(program_name()).append(": ").append(text).append("\n"));
}

void narrator::finish() noexcept {
  clear_progress();
  err_.finish(patience_at_end);
}

void narrator::clear_progress() {
  if (std::exchange(shows_progress_, false)) err_.write("\033[K");
}

void narrator::sending(signal_id signal, scope reach) noexcept {
  if (wanted_.verbose) say("sending signal " + signal.name() + " to " + whom(reach) + command_);
}

void narrator::received(const signal_info& info) noexcept {
  if (wanted_.verbose)
    say("received signal " + info.signal.name() + " from " +
        sender_text(info.code, info.pid, info.uid));
}

void narrator::not_sent(signal_id signal, int error) noexcept {
  say(not_sent_text(signal, command_, error));
}

std::optional<pidfd> narrator::at_limit(outcome why, const run_state& now) noexcept {
  try {
    // timeout(1) says nothing of its one limit.
    if (why != outcome::timed_out && wanted_.diagnose_to.empty())
      say(reason(why, wanted_.options) + ": ending command " + command_);
    if (wanted_.options.find_all || wanted_.options.accounting) diagnose_tree(why, now);
  } catch (const std::exception& failed) {
    say(std::string("no diagnosis: ") + failed.what());
  }
  try {
    if (!wanted_.hook.empty()) return start_hook(why, now);
  } catch (const std::exception& failed) {
    say(std::string("--on-timeout: ") + failed.what());
  }
  return std::nullopt;
}

void narrator::diagnose_tree(outcome why, const run_state& now) {
  diagnosis_ = diagnose(now.root);
  if (wanted_.diagnose_to.empty()) return;
  const std::string when = rounded(now.elapsed);
  const std::string text =
      reason(why, wanted_.options) +
      (why == outcome::timed_out ? " after " + when : ", " + when + " after the start") +
      "; what command " + command_ + " was doing:\n" + diagnosis_text(diagnosis_);
  clear_progress();
  const std::string whole = std::string(program_name()) + ": " + text;
  if (!diagnosis_file_.has_value()) {
    err_.write(whole);
    return;
  }
  patient_writer file(diagnosis_file_.get());
  file.write(whole);
  if (file.finish(duration::zero()) && file.error() != 0)
    say("writing " + in_quotes(wanted_.diagnose_to) + ": " + std::strerror(file.error()));
  else if (!file.finish(duration::zero()))
    say("not all of the diagnosis was taken by " + in_quotes(wanted_.diagnose_to));
}

pidfd narrator::start_hook(outcome why, const run_state& now) const {
  spawn_options how;
  how.mask = mask_;
  how.parent_death = sigkill;
  // In a group of its own it could not read a terminal, and would stop.
  const unique_fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (nothing.has_value()) how.descriptors = {{nothing.get(), STDIN_FILENO}};
  return start_shell(wanted_.hook, "SIGTIMEOUT_",
                     {"SIGTIMEOUT_PID=" + std::to_string(now.command),
                      std::string("SIGTIMEOUT_REASON=") + to_string(why)},
                     std::move(how));
}

void narrator::hook_killed() noexcept {
  say("--on-timeout took longer than " + to_string(wanted_.options.hook_limit) + ": killed");
}

void narrator::warning(const run_state& now) noexcept {
  say("command " + command_ + " has " + rounded_up(now.left.value_or(duration::zero())) + " left");
}

void narrator::heartbeat(const run_state& now) noexcept {
  say("command " + command_ + " is running: " + times(now));
}

void narrator::tick(const run_state& now) noexcept {
  // The cursor goes back, so that what the command writes takes the line's place.
  err_.write("\r\033[K" + std::string(program_name()) + ": " + times(now) + "\r");
  shows_progress_ = true;
}

void narrator::output_cut() noexcept {
  say("command " + command_ +
      " left processes that can still write its output: they get a broken pipe");
}

void narrator::output_dropped() noexcept {
  say("nobody reads the output of command " + command_ + ": the rest of it is dropped");
}

} // namespace sigkit::apps
