// What is fuzzed: each takes any bytes, and ends the process where something is wrong.
#pragma once

#include <array>
#include <string_view>

namespace fuzz {

void signal(std::string_view text);
void signal_set(std::string_view text);
void duration(std::string_view text);
void step(std::string_view text);
void wall_time(std::string_view text);
void target(std::string_view text);
void process_stat(std::string_view text);
void process_status(std::string_view text);
void wait_status(std::string_view text);
void escaping(std::string_view text);

// A word of the command line on each line.
void sigsend(std::string_view text);
void sigtrap(std::string_view text);
void sigtimeout(std::string_view text);
void siglist(std::string_view text);

struct named_target {
  std::string_view name;
  void (*run)(std::string_view text);
};

inline constexpr std::array<named_target, 14> all{{{"signal", &signal},
                                                   {"signal_set", &signal_set},
                                                   {"duration", &duration},
                                                   {"step", &step},
                                                   {"wall_time", &wall_time},
                                                   {"target", &target},
                                                   {"process_stat", &process_stat},
                                                   {"process_status", &process_status},
                                                   {"wait_status", &wait_status},
                                                   {"escaping", &escaping},
                                                   {"sigsend", &sigsend},
                                                   {"sigtrap", &sigtrap},
                                                   {"sigtimeout", &sigtimeout},
                                                   {"siglist", &siglist}}};

} // namespace fuzz
