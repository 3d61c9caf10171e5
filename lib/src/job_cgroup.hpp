#pragma once

#include <sigkit/cgroup.hpp>

namespace sigkit {

/// A cgroup that is made for one command below the one of this process, and removed with it.
class job_cgroup {
public:
  /// Throws where it cannot be had: no cgroup2, or not delegated to this user.
  job_cgroup();
  job_cgroup(const job_cgroup&) = delete;
  job_cgroup& operator=(const job_cgroup&) = delete;
  /// Removes it, and those that were made below it. What is still in it keeps it.
  ~job_cgroup();

  [[nodiscard]] const cgroup& group() const noexcept { return group_; }

private:
  cgroup group_;
};

} // namespace sigkit
