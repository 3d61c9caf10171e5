#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace bench {

using words = std::vector<std::string>;

/// Seconds of CLOCK_MONOTONIC.
double now();

/// A descriptor, closed at the end.
class descriptor {
public:
  explicit descriptor(int number) noexcept : number_(number) {}
  descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~descriptor() { close(); }

  [[nodiscard]] int get() const noexcept { return number_; }
  void close() noexcept;

private:
  int number_;
};

/// A pipe, closed on exec.
struct channel {
  channel();
  descriptor reading{-1};
  descriptor writing{-1};
};

/// What one read(2) gives; empty at the end.
std::string read_some(const descriptor& from);

/// What a program is started with besides /dev/null for input and messages.
struct start_options {
  int output = -1;        ///< its stdout; -1: /dev/null
  int third = -1;         ///< its descriptor 3; -1: none
  bool own_group = false; ///< it leads a process group
};
pid_t start(const words& command, const start_options& options = {});

/// Waits for the end of a child, and returns its wait status.
int wait_for(pid_t child);

/// Says that a command ended otherwise than it should have.
[[noreturn]] void refuse_status(const words& command, int wait_status);

/// Runs this in a child, in a session of its own, and returns its exit status. Whatever it has left
/// running by then is ended, as it is when a signal comes that ends this process.
int contained(const std::function<int()>& body);

} // namespace bench
