#!/bin/sh
# check-start.sh LIBRARY: what makes starts slow, and comes back unseen, is not in it: the streams and
# locales of the C++ library, other shared objects, functions of a start all over its code.
set -eu
library=$1
die() { echo "check-start: $*"; exit 1; }

streams=$(nm -C "$library" | grep -E 'std::(locale|ios_base|basic_ostream|ctype)' | head -n 3) || true
[ -z "$streams" ] || die "streams: $streams"
needed=$(readelf -dW "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -vE '^(libc\.|ld-linux)') || true
[ -z "$needed" ] || die "it needs $needed"
together=$(readelf -SW "$library" | awk '/ \.text\.start / { print "found" }')
[ "$together" = found ] || die 'lib/start.ld is not used'
for function in sigkit_run_sigtimeout sigkit_run_sigsend sigkit_run_sigtrap sigkit_run_siglist; do
  grep -q "$function" "$(dirname "$0")/../../lib/start.ld" || die "lib/start.ld does not have $function"
done
