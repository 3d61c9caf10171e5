# Before the packages are made: brings what was installed for each into the form that Debian wants.
cmake_minimum_required(VERSION 3.25)

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

execute_process(COMMAND dpkg-parsechangelog -l ${CPACK_SIGKIT_CHANGELOG} -S Version
  OUTPUT_VARIABLE version OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
if(NOT version STREQUAL CPACK_PACKAGE_VERSION)
  message(FATAL_ERROR "${CPACK_SIGKIT_CHANGELOG} ends at ${version}, not ${CPACK_PACKAGE_VERSION}")
endif()

# The same build makes the same packages.
if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
  execute_process(COMMAND dpkg-parsechangelog -l ${CPACK_SIGKIT_CHANGELOG} -S Timestamp
    OUTPUT_VARIABLE date OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(ENV{SOURCE_DATE_EPOCH} ${date})
endif()

set(staged ${CPACK_TEMPORARY_DIRECTORY})
file(GLOB objects ${staged}/programs/usr/bin/* ${staged}/library/usr/lib/*/lib*.so.*)
foreach(object IN LISTS objects)
  if(NOT IS_SYMLINK ${object})
    file(RPATH_REMOVE FILE ${object}) # the library is where every program looks
    run(strip --strip-unneeded --remove-section=.comment --remove-section=.note ${object})
  endif()
endforeach()
file(GLOB_RECURSE compressed ${staged}/*/usr/share/man/* ${staged}/*/usr/share/doc/*/changelog)
run(gzip -9n ${compressed})

# Debian's zsh leaves the other folder to the machine's owner, and does not look there.
file(RENAME ${staged}/programs/usr/share/zsh/site-functions
  ${staged}/programs/usr/share/zsh/vendor-completions)
