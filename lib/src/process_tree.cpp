#include <sigkit/process_tree.hpp>

#include <cerrno>

#include "system.hpp"
#include "tree_walk.hpp"

namespace sigkit {

std::vector<process_facts> detail::descendants(failure& why, pid_t root) noexcept {
  return at_border(why, [&]() -> std::vector<process_facts> {
    if (sys::kill(root, signull) == ESRCH) return {};
    tree_walk walk(root);
    walk.pass(false, sys::clock::time_point::max());
    return walk.facts();
  });
}

tree_delivery detail::send_tree(failure& why, pid_t root, signal_id signal) noexcept {
  return at_border(why, [&]() -> tree_delivery {
    if (!signal_id::from_number(signal.number()))
      fail(EINVAL, "a tree and signal " + signal.name());
    if (sys::kill(root, signull) == ESRCH) return {};
    tree_walk walk(root);
    if (signal.terminates()) return walk.end_all({.signal = signal});
    walk.find_all();
    return walk.send({.signal = signal});
  });
}

} // namespace sigkit
