#include "sigtrap/waiting.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include <sigkit/mask.hpp>
#include <sigkit/signal_info.hpp>
#include <sigkit/wait.hpp>

#include "common/exit_codes.hpp"
#include "common/output.hpp"

namespace sigkit::apps {

namespace {

using json = nlohmann::ordered_json;
using clock = std::chrono::steady_clock;

bool has_value(const signal_info& info) {
  return info.code == SI_QUEUE || info.code == SI_TIMER || info.code == SI_MESGQ;
}

std::string line_of(const signal_info& info) {
  return std::to_string(info.signal.number()) + " " + info.signal.name() + " " +
         std::to_string(info.pid) + " " + std::to_string(info.uid) + " " + code_name(info) + " " +
         (has_value(info) ? std::to_string(info.value) : "-") + "\n";
}

std::string json_of(const signal_info& info) {
  json document = {{"schema", "sigkit.sigtrap.signal/1"},
                   {"signal", info.signal.number()},
                   {"name", info.signal.name()},
                   {"pid", info.pid},
                   {"uid", info.uid},
                   {"code", code_name(info)},
                   {"value", nullptr}};
  if (has_value(info)) document["value"] = info.value;
  return document.dump() + "\n";
}

std::string pid_text(bool as_json) {
  if (!as_json) return std::to_string(::getpid()) + "\n";
  return json{{"schema", "sigkit.sigtrap.waiting/1"}, {"pid", ::getpid()}}.dump() + "\n";
}

duration left_until(std::optional<clock::time_point> deadline) {
  if (!deadline) return never;
  return std::max<duration>(*deadline - clock::now(), duration::zero());
}

} // namespace

int wait_for_signals(const trap_request& wanted) {
  // They stay blocked: what comes between two waits is pending.
  pthread_sigmask(mask_change::block, wanted.awaited);
  std::optional<clock::time_point> deadline;
  const clock::time_point now = clock::now();
  if (wanted.timeout < clock::time_point::max() - now) deadline = now + wanted.timeout;
  if (wanted.print_pid) print(pid_text(wanted.json));
  for (int come = 0; wanted.count == 0 || come < wanted.count; ++come) {
    const auto info = sigtimedwait(wanted.awaited, left_until(deadline));
    if (!info) return timed_out;
    print(wanted.json ? json_of(*info) : line_of(*info));
  }
  return success;
}

} // namespace sigkit::apps
