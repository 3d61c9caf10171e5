#pragma once

#if __cplusplus < 202002L
#error "sigkit needs C++20: compile with -std=c++20"
#endif

// All of libsigkit. Each header can also be included by itself.

#include <sigkit/cgroup.hpp>
#include <sigkit/diagnosis.hpp>
#include <sigkit/disposition.hpp>
#include <sigkit/duration.hpp>
#include <sigkit/error.hpp>
#include <sigkit/escalation.hpp>
#include <sigkit/exit_status.hpp>
#include <sigkit/handler.hpp>
#include <sigkit/ladder.hpp>
#include <sigkit/mask.hpp>
#include <sigkit/pidfd.hpp>
#include <sigkit/process.hpp>
#include <sigkit/process_ref.hpp>
#include <sigkit/process_signals.hpp>
#include <sigkit/process_tree.hpp>
#include <sigkit/retry.hpp>
#include <sigkit/selection.hpp>
#include <sigkit/send.hpp>
#include <sigkit/signal_id.hpp>
#include <sigkit/signal_info.hpp>
#include <sigkit/signal_search.hpp>
#include <sigkit/signal_set.hpp>
#include <sigkit/spawn.hpp>
#include <sigkit/supervise.hpp>
#include <sigkit/timer.hpp>
#include <sigkit/trap.hpp>
#include <sigkit/unique_fd.hpp>
#include <sigkit/wait.hpp>
#include <sigkit/wall_time.hpp>
