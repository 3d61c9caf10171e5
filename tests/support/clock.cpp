// To be preloaded: a wall clock that a test sets, since setting the real one is felt by everybody.
//
// The kernel says by a timer of that clock that it was set; here it is a FIFO, SIGKIT_CLOCK_FIFO.
// From when it was read from, the clock is an hour ahead.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>

namespace {

int fifo = -1;
bool is_set = false;

template <class Function> Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

} // namespace

extern "C" {

__attribute__((visibility("default"))) int timerfd_create(int clock, int flags) noexcept {
  const char* path = std::getenv("SIGKIT_CLOCK_FIFO");
  if (clock != CLOCK_REALTIME || path == nullptr)
    return real<int(int, int)>("timerfd_create")(clock, flags);
  return fifo = ::open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

__attribute__((visibility("default"))) int
timerfd_settime(int descriptor, int flags, const itimerspec* time, itimerspec* old) noexcept {
  if (descriptor != fifo)
    return real<int(int, int, const itimerspec*, itimerspec*)>("timerfd_settime")(descriptor, flags,
                                                                                  time, old);
  return 0;
}

__attribute__((visibility("default"))) ssize_t read(int descriptor, void* data, size_t size) {
  const ssize_t count = real<ssize_t(int, void*, size_t)>("read")(descriptor, data, size);
  if (descriptor == fifo && fifo >= 0 && count > 0) is_set = true;
  return count;
}

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, timespec* now) noexcept {
  const int failed = real<int(clockid_t, timespec*)>("clock_gettime")(clock, now);
  if (clock == CLOCK_REALTIME && is_set) now->tv_sec += 3600;
  return failed;
}
}
