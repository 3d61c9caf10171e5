#pragma once

#include <string>
#include <system_error>

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
/// Thread-safe: as any value. Async-signal-safe: no (it allocates).
class SIGKIT_API error : public std::system_error {
public:
  error(int error_number, const std::string& operation)
      : std::system_error(error_number, std::system_category(), operation) {}
};

namespace detail {

// libsigkit.so carries a C++ run-time of its own (see lib/README.md). An exception that this
// run-time threw would have another std::system_category() than the program's, and would leave
// the program's std::uncaught_exceptions() wrong. So the library throws by calling back into the
// code below, which is compiled into the program: a program meets exceptions of its own run-time.
using thrower = void (*)(int error_number, const char* operation);

inline void throw_error(int error_number, const char* operation) {
  throw error(error_number, operation);
}

SIGKIT_API void set_thrower(thrower function) noexcept;

#ifndef SIGKIT_BUILDING_LIBRARY
inline const bool thrower_is_set = (set_thrower(&throw_error), true);
#endif

} // namespace detail
} // namespace sigkit
