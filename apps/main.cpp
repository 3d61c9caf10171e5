// The programs live in the shared library: each of them is one call into it, so that nothing of
// the C++ run-time is loaded and relocated twice.

extern "C" {
int SIGKIT_PROGRAM(int argc, char** argv);

/// The library looks for it, see its allocation.cpp.
extern __attribute__((visibility("default"))) const char sigkit_is_own_program;
__attribute__((used)) const char sigkit_is_own_program = 1;
}

int main(int argc, char** argv) {
  return SIGKIT_PROGRAM(argc, argv);
}
