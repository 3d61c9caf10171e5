#!/bin/sh
# check-place.sh PREFIX: installed programs name the library by its place, as seen from theirs. They
# find it without a search, also where the prefix is moved to, and when they are called by a link.
set -eu
prefix=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset LD_LIBRARY_PATH
die() { echo "check-place: $*"; exit 1; }

cp -R "$prefix" "$work/moved"
ln -s "$work/moved/bin/siglist" "$work/link"
for program in "$work/moved/bin/siglist" "$work/link"; do
  searched=$(LD_DEBUG=libs "$program" TERM 2>&1 >"$work/said" | grep -E 'find library|trying file')
  [ "$(cat "$work/said")" = 15 ] || die "$program: $(cat "$work/said")"
  case $searched in *libsigkit*) die "$program: $searched" ;; esac
done
for program in sigsend sigtrap sigtimeout siglist; do
  ! readelf -d "$work/moved/bin/$program" | grep -E 'R(UN)?PATH' || die "$program has a run path"
done
