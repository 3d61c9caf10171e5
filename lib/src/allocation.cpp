// Memory of the program's own allocator. The library has a C++ run-time inside, and with it an
// operator new of its own; but strings and vectors that it returns are freed by the program, whose
// operator delete may be another one: a sanitizer's, or replaced. So the library takes the
// program's, where it has one that can be found, and malloc(3) elsewhere.
//
// A throwing operator new of the program's would throw through the library: the other one is used.
// None is found in a program that has its C++ run-time inside, and exports none.
#include <dlfcn.h>

#include <cstddef>
#include <cstdlib>
#include <new>

/// What the programs of this project have, and no others: their allocator is malloc(3). To look for
/// another one takes a fiftieth of their start.
extern "C" __attribute__((weak)) const char sigkit_is_own_program;

namespace {

using allocate = void*(std::size_t, const std::nothrow_t&) noexcept;
using release = void(void*) noexcept;

void* malloc_instead(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return std::malloc(size != 0 ? size : 1);
}

// The names are those of a 64-bit system; elsewhere none is found, and both sides use malloc(3).

/// Two functions that belong together.
struct allocator {
  allocate* take = &malloc_instead;
  release* give = &std::free;

  /// The program's, where it has both.
  allocator(const char* take_name, const char* give_name) noexcept {
    if (&sigkit_is_own_program != nullptr) return;
    void* const its_take = ::dlsym(RTLD_DEFAULT, take_name);
    void* const its_give = ::dlsym(RTLD_DEFAULT, give_name);
    if (its_take == nullptr || its_give == nullptr) return;
    take = reinterpret_cast<allocate*>(its_take);
    give = reinterpret_cast<release*>(its_give);
  }
};

const allocator& single() noexcept {
  static const allocator found("_ZnwmRKSt9nothrow_t", "_ZdlPv");
  return found;
}

const allocator& array() noexcept {
  static const allocator found("_ZnamRKSt9nothrow_t", "_ZdaPv");
  return found;
}

void* take(std::size_t size, allocate* from) {
  void* const memory = from(size, std::nothrow);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

} // namespace

void* operator new(std::size_t size) {
  return take(size, single().take);
}

void* operator new[](std::size_t size) {
  return take(size, array().take);
}

void operator delete(void* memory) noexcept {
  single().give(memory);
}

void operator delete(void* memory, std::size_t /*size*/) noexcept {
  single().give(memory);
}

void operator delete[](void* memory) noexcept {
  array().give(memory);
}

void operator delete[](void* memory, std::size_t /*size*/) noexcept {
  array().give(memory);
}
