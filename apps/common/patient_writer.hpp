#pragma once

#include <string>
#include <string_view>

#include <sigkit/duration.hpp>
#include <sigkit/unique_fd.hpp>

namespace sigkit::apps {

/// Writes to a descriptor that others share, such as stderr, and never waits for its reader while
/// there is something else to do: what is not taken now is kept, and tried again. O_NONBLOCK is not
/// set on what is shared: a pipe or a terminal is opened anew.
class patient_writer {
public:
  explicit patient_writer(int descriptor) noexcept : shared_(descriptor) {}

  void write(std::string_view text);
  /// Waits for the reader, so long at most; what it has not taken then is dropped.
  void finish(duration patience);

private:
  enum class kind : unsigned char { unknown, file, reopened, socket };

  void open();
  bool try_now();
  [[nodiscard]] int descriptor() const noexcept;

  int shared_;
  unique_fd own_;
  kind kind_ = kind::unknown;
  std::string kept_;
};

} // namespace sigkit::apps
