// Memory of the program's own allocator. The library has a C++ run-time inside, and with it an
// operator new of its own; but strings and vectors that it returns are freed by the program, whose
// operator delete may be another one: a sanitizer's, or replaced. So the library takes the
// program's, where it has one that can be found, and malloc(3) elsewhere.
//
// A throwing operator new of the program's would throw through the library: the other one is used.
#include <dlfcn.h>

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

using allocate = void*(std::size_t, const std::nothrow_t&) noexcept;
using release = void(void*) noexcept;

void* malloc_instead(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return std::malloc(size != 0 ? size : 1);
}

/// The program's function of this name, or `other`.
template <class Function> Function* find(const char* name, Function* other) noexcept {
  void* const found = ::dlsym(RTLD_DEFAULT, name);
  return found != nullptr ? reinterpret_cast<Function*>(found) : other;
}

// The names are those of a 64-bit system; elsewhere none is found, and both sides use malloc(3).

void* take(std::size_t size, allocate* from) {
  void* const memory = from(size, std::nothrow);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

release* releaser() noexcept {
  static auto* const program = find<release>("_ZdlPv", &std::free);
  return program;
}

release* array_releaser() noexcept {
  static auto* const program = find<release>("_ZdaPv", &std::free);
  return program;
}

} // namespace

void* operator new(std::size_t size) {
  static auto* const program = find<allocate>("_ZnwmRKSt9nothrow_t", &malloc_instead);
  return take(size, program);
}

void* operator new[](std::size_t size) {
  static auto* const program = find<allocate>("_ZnamRKSt9nothrow_t", &malloc_instead);
  return take(size, program);
}

void operator delete(void* memory) noexcept {
  releaser()(memory);
}

void operator delete(void* memory, std::size_t /*size*/) noexcept {
  releaser()(memory);
}

void operator delete[](void* memory) noexcept {
  array_releaser()(memory);
}

void operator delete[](void* memory, std::size_t /*size*/) noexcept {
  array_releaser()(memory);
}
