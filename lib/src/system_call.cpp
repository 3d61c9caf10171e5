#include "system_call.hpp"

#include <sys/syscall.h>

#include <algorithm>
#include <iterator>

namespace sigkit {

namespace {

constexpr long numbers[] = {
#define SIGKIT_SYSTEM_CALL(name) __NR_##name,
#include "system_calls.inc"
#undef SIGKIT_SYSTEM_CALL
};

// One string: an array of pointers would have to be relocated at every start.
constexpr char names[] =
#define SIGKIT_SYSTEM_CALL(name) #name "\0"
#include "system_calls.inc"
#undef SIGKIT_SYSTEM_CALL
    ;

constexpr char waiting[][16] = {
    "accept",       "accept4",    "close",     "connect",    "copy_file_range", "epoll_pwait",
    "epoll_pwait2", "epoll_wait", "fallocate", "fcntl",      "fdatasync",       "flock",
    "fstat",        "fsync",      "ftruncate", "getdents64", "ioctl",           "io_uring_enter",
    "pread64",      "preadv",     "preadv2",   "pwrite64",   "pwritev",         "pwritev2",
    "read",         "readv",      "recvfrom",  "recvmmsg",   "recvmsg",         "sendfile",
    "sendmmsg",     "sendmsg",    "sendto",    "splice",     "sync_file_range", "syncfs",
    "tee",          "vmsplice",   "write",     "writev",
};

} // namespace

std::string system_call_name(long number) {
  const long* const found = std::find(std::begin(numbers), std::end(numbers), number);
  if (found == std::end(numbers)) return std::to_string(number);
  const char* name = names;
  for (const long* at = std::begin(numbers); at != found; ++at)
    name += std::string_view(name).size() + 1;
  return name;
}

bool waits_for_descriptor(std::string_view system_call) noexcept {
  return std::find(std::begin(waiting), std::end(waiting), system_call) != std::end(waiting);
}

} // namespace sigkit
