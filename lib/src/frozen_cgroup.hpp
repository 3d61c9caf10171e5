#pragma once

#include <sigkit/cgroup.hpp>

namespace sigkit {

/// While it lives nothing in the cgroup, or below it, runs (cgroup.freeze). What was frozen before
/// stays so.
class frozen_cgroup {
public:
  /// Waits for 1 s at most until all stand still, and calls no handlers. Throws where it may not be
  /// frozen.
  explicit frozen_cgroup(const cgroup& which);
  frozen_cgroup(const frozen_cgroup&) = delete;
  frozen_cgroup& operator=(const frozen_cgroup&) = delete;
  ~frozen_cgroup();

private:
  void thaw() noexcept;

  const cgroup* which_;
  bool was_frozen_;
};

} // namespace sigkit
