#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include <sigkit/duration.hpp>
#include <sigkit/unique_fd.hpp>

namespace sigkit::apps {

/// Writes to a descriptor that others share, such as stderr, and never waits for its reader while
/// there is something else to do: what is not taken now is kept, and tried again. O_NONBLOCK is not
/// set on what is shared: a pipe or a terminal is opened anew, and written to in small pieces where
/// that is not permitted. Only a disk is waited for.
class patient_writer {
public:
  explicit patient_writer(int descriptor) noexcept : shared_(descriptor) {}

  void write(std::string_view text);
  /// Waits for the reader, so long at most; false where it has not taken all by then.
  bool finish(duration patience);

  /// errno of a write that failed, the reader having gone included; 0: none.
  [[nodiscard]] int error() const noexcept { return error_; }

private:
  enum class kind : unsigned char { unknown, file, reopened, polled, socket };

  void open();
  bool try_now();
  [[nodiscard]] ssize_t write_some() const;
  [[nodiscard]] int descriptor() const noexcept;

  int shared_;
  unique_fd own_;
  kind kind_ = kind::unknown;
  std::string kept_;
  int error_ = 0;
};

} // namespace sigkit::apps
