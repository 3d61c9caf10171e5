#!/bin/sh
# The installed links named timeout and kill: found by a PATH, they do what their names promise,
# wherever the prefix is moved to.
set -eu
build=$1 by_place=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset LD_LIBRARY_PATH
path=$PATH
die() { echo "check-links: $*"; exit 1; }

works_in() {
  links=$1/libexec/sigkit/bin
  # Below /usr it is the loader that knows where the library is.
  if [ "$by_place" = OFF ]; then
    LD_LIBRARY_PATH=$(dirname "$(find "$1" -name libsigkit.so)")
    export LD_LIBRARY_PATH
  fi
  PATH=$links:$path
  for name in timeout kill; do
    case $(readlink "$links/$name") in ../*) ;; *) die "$name leads to $(readlink "$links/$name")" ;; esac
  done
  status=0
  timeout 0.1 sleep 5 || status=$?
  [ "$status" -eq 124 ] || die "timeout: status $status"
  status=0
  timeout -v 0.1 sleep 5 2>"$work/said" || status=$?
  [ "$status" -eq 124 ] || die "timeout -v: status $status"
  grep -q "^timeout: sending signal TERM to command 'sleep'$" "$work/said" || die "$(cat "$work/said")"
  sleep 60 &
  env kill -KILL "$!"
  wait "$!" || status=$?
  [ "$status" -eq 137 ] || die "kill: status $status"
  status=0
  env kill 2>"$work/said" || status=$?
  [ "$status" -eq 1 ] || die "kill alone: status $status"
  grep -q '^kill: no process ID specified$' "$work/said" || die "$(cat "$work/said")"
}

cmake --install "$build" --prefix "$work/installed" >"$work/log"
works_in "$work/installed"
mv "$work/installed" "$work/moved"
works_in "$work/moved"
prefix=$(sed -n 's/^CMAKE_INSTALL_PREFIX:PATH=//p' "$build/CMakeCache.txt")
DESTDIR=$work/staged cmake --install "$build" >"$work/log"
works_in "$work/staged$prefix"
