# The Debian packages: cpack makes them out of a build that was configured for the prefix /usr, as
# the presets dev and package are. Others have the library where Debian's must not be. The links are
# promised in the description.
if(NOT SIGKIT_LINKS OR NOT CMAKE_LIBRARY_ARCHITECTURE
    OR NOT CMAKE_INSTALL_LIBDIR STREQUAL "lib/${CMAKE_LIBRARY_ARCHITECTURE}")
  return()
endif()
set(SIGKIT_PACKAGES ON)

set(CPACK_GENERATOR DEB)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL programs library development)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_NAME sigkit)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libsigkit${PROJECT_VERSION_MAJOR})
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libsigkit-dev)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/files.cmake)
set(CPACK_POST_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/control.cmake)
set(CPACK_SIGKIT_CHANGELOG ${CMAKE_CURRENT_LIST_DIR}/changelog)
set(CPACK_SIGKIT_PACKED_RELOCATIONS ${SIGKIT_HAS__z_pack_relative_relocs})

# There is no address at which the authors are reached: a name that is reserved for saying so. Who
# gives the packages to others puts their own in its place.
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "The sigkit authors <authors@sigkit.invalid>"
  CACHE STRING "Who answers for the Debian packages")
set(CPACK_DEBIAN_PACKAGE_SOURCE sigkit)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)

# The programs call what the library has for this very version of them.
set(this_library "libsigkit${PROJECT_VERSION_MAJOR} (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_DEPENDS ${this_library})
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS ${this_library})
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/lib)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
configure_file(${CMAKE_CURRENT_LIST_DIR}/symbols.in symbols @ONLY)
set(CPACK_SIGKIT_SYMBOLS ${CMAKE_CURRENT_BINARY_DIR}/symbols)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_LIST_DIR}/triggers)

set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # would stand before each of these
set(CPACK_DEBIAN_PROGRAMS_DESCRIPTION
"signals and time limits for commands that nothing escapes
Four programs for shell scripts, CI jobs, containers and people at a terminal:
.
 - sigtimeout runs a command with a limit of time, silence or processor time,
   leaves no process of it behind, and says what hung;
 - sigsend sends signals to processes, by any property, over whole trees and
   step by step, and never to another one that got the number meanwhile;
 - sigtrap is the shell's trap for any program, and serves as init in a
   container;
 - siglist says what a signal is, and what a process does with each.
.
In /usr/libexec/sigkit/bin they go by the names timeout and kill, for which
they are drop-in replacements, for those who put that folder into their PATH.")
set(CPACK_DEBIAN_LIBRARY_DESCRIPTION
"signals, processes and time limits for C++ programs
Handlers that run in the main thread, where they may do anything; masks,
timers and waiting; processes that are held by descriptors, so that no other
one gets their signals; trees of processes, searched, stopped and ended;
commands run under limits that nothing escapes.
.
This package has the shared library.")
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION
"signals, processes and time limits for C++ programs - development files
Handlers that run in the main thread, where they may do anything; masks,
timers and waiting; processes that are held by descriptors, so that no other
one gets their signals; trees of processes, searched, stopped and ended;
commands run under limits that nothing escapes.
.
This package has the headers, for C++20, and what CMake and pkg-config find
the library by.")

# Each package has these; an installation without packages does not.
file(STRINGS LICENSE copyright REGEX "^Copyright ")
string(REGEX REPLACE "^Copyright \\(c\\) " "" SIGKIT_COPYRIGHT "${copyright}")
file(READ LICENSE license)
string(REGEX REPLACE "^.*\n(Permission is hereby)" "\\1" license "${license}")
string(REGEX REPLACE "\n+$" "" license "${license}")
string(REGEX REPLACE "\n\n" "\n.\n" license "${license}")
string(REPLACE "\n" "\n " SIGKIT_LICENSE " ${license}")
configure_file(${CMAKE_CURRENT_LIST_DIR}/copyright.in copyright @ONLY)
foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  string(TOUPPER ${component} variable)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/copyright ${CMAKE_CURRENT_LIST_DIR}/changelog
    DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${CPACK_DEBIAN_${variable}_PACKAGE_NAME}
    COMPONENT ${component} EXCLUDE_FROM_ALL)
endforeach()
install(FILES ${CMAKE_CURRENT_LIST_DIR}/README.Debian DESTINATION ${CMAKE_INSTALL_DOCDIR}
  COMPONENT programs EXCLUDE_FROM_ALL)
include(CPack)
