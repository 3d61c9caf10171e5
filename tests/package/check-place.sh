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
  LD_DEBUG=libs "$program" TERM >"$work/said" 2>"$work/loaded"
  [ "$(cat "$work/said")" = 15 ] || die "$program: $(cat "$work/said")"
  grep -q 'find library=libc' "$work/loaded" || die 'the loader says nothing'
  ! grep -E '(find library|trying file)=.*libsigkit' "$work/loaded" || die "$program searches"
done
for program in sigsend sigtrap sigtimeout siglist; do
  readelf -dW "$work/moved/bin/$program" >"$work/dynamic"
  grep -q '\[.ORIGIN/' "$work/dynamic" || die "$program does not name the place"
  ! grep -E 'R(UN)?PATH' "$work/dynamic" || die "$program has a run path"
done
