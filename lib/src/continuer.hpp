#pragma once

#include <sys/types.h>

namespace sigkit {

/// A process that continues this one when `other`, a stopped child, does not stand still any more:
/// it was continued by itself, or has ended. Who is stopped could not know. It ends with the
/// object.
class continuer {
public:
  explicit continuer(pid_t other);
  continuer(const continuer&) = delete;
  continuer& operator=(const continuer&) = delete;
  ~continuer();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

private:
  pid_t pid_ = -1; ///< where there is none, this process waits for a CONT of its own
};

} // namespace sigkit
