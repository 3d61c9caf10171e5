# Writes OUTPUT, a line "SIGKIT_SYSTEM_CALL(read)" for each system call that the headers of COMPILER
# know. Numbers are left to the compiler: some headers compute them.
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND ${COMPILER} ${FLAGS} -E -dM -x c++ -include sys/syscall.h /dev/null
  OUTPUT_VARIABLE macros COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "#define __NR_[a-z0-9_]+ " definitions "${macros}")
list(TRANSFORM definitions REPLACE "#define __NR_([a-z0-9_]+) " "\\1")
# How many there are, and where those of one architecture begin.
list(REMOVE_ITEM definitions syscalls arch_specific_syscall)
list(SORT definitions)
if(NOT "read" IN_LIST definitions)
  message(FATAL_ERROR "sys/syscall.h of ${COMPILER} names no system calls")
endif()
list(TRANSFORM definitions REPLACE "(.+)" "SIGKIT_SYSTEM_CALL(\\1)\n")
string(JOIN "" text ${definitions})
file(WRITE "${OUTPUT}" "${text}")
