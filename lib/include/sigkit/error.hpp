#pragma once

#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include <sigkit/export.hpp>

namespace sigkit {

/// What every function of the library throws when a system call stops it.
///
/// what() reads "OPERATION: the system's text", where OPERATION names the call and whom it was
/// tried on ("kill(2) of process 4711: Operation not permitted"). code() holds errno in
/// std::system_category(), so `e.code() == std::errc::no_such_process` works.
///
/// What a caller meets in the normal course (nothing came in time, the process has ended) is not
/// an error: those functions return a value that says so.
///
/// EINVAL stands for an argument that no call could take, EPERM for a right that is missing, or for
/// the wrong thread; the text says which.
///
/// Thread-safe: as any value. Async-signal-safe: no (it allocates).
class SIGKIT_API error : public std::system_error {
public:
  error(int error_number, const std::string& operation)
      : std::system_error(error_number, std::system_category(), operation) {}
};

// No exception crosses the border of libsigkit.so, which has a C++ run-time and an unwinder of its
// own inside (see lib/README.md). What it exports is noexcept and reports into a `failure`; the
// public functions are these few lines around it, compiled into the program, and throw there.
namespace detail {

struct failure {
  int error_number = 0;
  std::string operation;
};

/// Calls an exported function and throws what it reports.
template <class Error = error, class Result, class... Parameters, class... Arguments>
Result call(Result (*function)(failure&, Parameters...) noexcept, Arguments&&... arguments) {
  failure why;
  if constexpr (std::is_void_v<Result>) {
    function(why, std::forward<Arguments>(arguments)...);
    if (why.error_number != 0) throw Error(why.error_number, why.operation);
  } else {
    Result result = function(why, std::forward<Arguments>(arguments)...);
    if (why.error_number != 0) throw Error(why.error_number, why.operation);
    return result;
  }
}

} // namespace detail
} // namespace sigkit
