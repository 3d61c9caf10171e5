#!/bin/sh
# Installs the library to a folder of its own, and has a foreign CMake project and a foreign
# Makefile with pkg-config build a program against it and run it.
set -eu
build=$1 compiler=$2 by_place=$3
command -v "$compiler" >/dev/null || { echo "SKIPPED: there is no $compiler here"; exit 0; }
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/installed" >"$work/log"
cmake -S "$here/consumer" -B "$work/consumer" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_PREFIX_PATH="$work/installed" >>"$work/log"
cmake --build "$work/consumer" >>"$work/log"
"$work/consumer/consumer"

library=$(find "$work/installed" -name libsigkit.so)
PKG_CONFIG_PATH=${library%/*}/pkgconfig make -s -C "$here/consumer" OUT="$work/with-make" \
  CXX="$compiler"
LD_LIBRARY_PATH=${library%/*} "$work/with-make"

# A program with an allocator of its own, which checks what is given back to it.
if echo 'int main() {}' | "$compiler" -x c++ -fsanitize=address - -o "$work/sanitized" 2>>"$work/log"; then
  "$compiler" -std=c++20 -fsanitize=address -I"$work/installed/include" "$here/consumer/main.cpp" \
    -o "$work/sanitized" -L"${library%/*}" -lsigkit
  LD_LIBRARY_PATH=${library%/*} "$work/sanitized"
fi

# The installed program finds the library, if by the loader: below /usr that knows where it is.
test "$(LD_LIBRARY_PATH=${library%/*} "$work/installed/bin/siglist" TERM)" = 15
if [ "$by_place" = ON ]; then "$here/check-place.sh" "$work/installed"; fi
