#!/bin/sh
# check-start.sh LIBRARY: what makes starts slow, and comes back unseen, is not in it: the streams and
# locales of the C++ library, other shared objects, functions of a start all over its code.
set -eu
library=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
die() { echo "check-start: $*"; exit 1; }

nm -C "$library" >"$work/symbols"
grep -q sigkit_run_sigtimeout "$work/symbols" || die "nm says nothing of $library"
if grep -E '(^| )std::(locale|ios_base|basic_ostream|ctype)' "$work/symbols"; then
  die 'these are not to be linked'
fi
readelf -dSW "$library" >"$work/sections"
if grep -F '(NEEDED)' "$work/sections" | grep -vE '\[(libc\.|ld-linux)'; then die 'it needs these'; fi
grep -qF ' .text.start ' "$work/sections" || die 'lib/start.ld is not used'
for program in sigtimeout sigsend sigtrap siglist; do
  grep -q "sigkit_run_$program" "$here/../../lib/start.ld" || die "lib/start.ld lacks $program"
done
