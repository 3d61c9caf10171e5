// A program of one page that ends at once, so that what starts it is what is measured. SIGKIT_BARE
// says that it is linked without the C library.
#if defined(SIGKIT_BARE) && defined(__x86_64__)
asm(".globl _start\n"
    "_start:\n"
    "  xorl %edi, %edi\n"
    "  movl $60, %eax\n" // exit
    "  syscall\n");
#elif defined(SIGKIT_BARE) && defined(__aarch64__)
asm(".globl _start\n"
    "_start:\n"
    "  mov x0, #0\n"
    "  mov x8, #93\n" // exit
    "  svc #0\n");
#else
int main() {}
#endif
