# After the packages are made: says in them what CPack cannot say, or says wrongly.
cmake_minimum_required(VERSION 3.25)

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY OUTPUT_VARIABLE output OUTPUT_QUIET)
endfunction()

foreach(package IN LISTS CPACK_PACKAGE_FILES)
  set(content ${CPACK_TEMPORARY_DIRECTORY}/unpacked)
  set(control ${content}/DEBIAN/control)
  file(REMOVE_RECURSE ${content})
  run(dpkg-deb --raw-extract ${package} ${content})
  run(chmod --recursive u=rwX,go=rX ${content}) # whatever the umask
  # They call ldconfig, which the trigger does once for all packages.
  file(REMOVE ${content}/DEBIAN/postinst ${content}/DEBIAN/postrm)

  file(READ ${control} fields)
  string(STRIP "${fields}" fields)
  if(fields MATCHES "Package: sigkit\n")
    string(APPEND fields "\nMulti-Arch: foreign")
  else()
    string(APPEND fields "\nMulti-Arch: same")
  endif()
  # What packed relocations need is no symbol, and so not seen by dpkg-shlibdeps.
  if(CPACK_SIGKIT_PACKED_RELOCATIONS)
    string(REGEX REPLACE "libc6 \\(>= 2\\.3[0-5]\\)" "libc6 (>= 2.36)" fields "${fields}")
  endif()
  # CPack counts a file once more for each link to it.
  set(size 0)
  file(GLOB_RECURSE entries LIST_DIRECTORIES true ${content}/usr/*)
  foreach(entry IN LISTS entries)
    set(bytes 1)
    if(NOT IS_DIRECTORY ${entry} AND NOT IS_SYMLINK ${entry})
      file(SIZE ${entry} bytes)
    endif()
    math(EXPR size "${size} + (${bytes} + 1023) / 1024")
  endforeach()
  string(REGEX REPLACE "Installed-Size: [0-9]+" "Installed-Size: ${size}" fields "${fields}")
  file(WRITE ${control} "${fields}\n")

  if(fields MATCHES "Package: (libsigkit[0-9]+)\n")
    run(dpkg-gensymbols -q -c4 -I${CPACK_SIGKIT_SYMBOLS} -p${CMAKE_MATCH_1} -P${content}
      -v${CPACK_PACKAGE_VERSION} -O${content}/DEBIAN/symbols)
  endif()
  run(dpkg-deb --root-owner-group -Zxz --build ${content} ${package})
endforeach()
