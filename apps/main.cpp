// The programs live in the shared library: each of them is one call into it, so that nothing of
// the C++ run-time is loaded and relocated twice.

extern "C" int SIGKIT_PROGRAM(int argc, char** argv);

int main(int argc, char** argv) {
  return SIGKIT_PROGRAM(argc, argv);
}
