#!/bin/sh
# What the installed packages have to do. ROOT is where they were installed; nothing in a chroot.
set -eu
root=${1:-}
die() { echo "installed: $*"; exit 1; }
expect() { # STATUS COMMAND...
  wanted=$1 status=0
  shift
  said=$("$@" 2>&1) || status=$?
  [ "$status" -eq "$wanted" ] || die "$*: status $status, not $wanted: $said"
}
PATH=$root/usr/bin:$PATH

for program in sigsend sigtrap sigtimeout siglist; do
  [ "$(command -v "$program")" = "$root/usr/bin/$program" ] || die "$program is not found"
  expect 0 "$program" --version
  [ -s "$root/usr/share/man/man1/$program.1.gz" ] || die "$program has no manual page"
done
expect 0 siglist TERM
[ "$said" = 15 ] || die "siglist: $said"
# shellcheck disable=SC2016 # is for the command
expect 0 sigtrap --on TERM='echo caught' --on TERM=@exit:0 sh -c 'kill -TERM $PPID; exec sleep 60'
[ "$said" = caught ] || die "sigtrap: $said"

# A daemon that left its group and session, found by its environment.
mark=SIGKIT_PACKAGE_MARK=$$
# shellcheck disable=SC2016 # is for the command
expect 124 env "$mark" sigtimeout --tree 0.5 sh -c 'setsid sleep 60 & echo $!; exec sleep 60'
[ -n "$said" ] || die 'the daemon was not started'
left=$(grep -lzxF -- "$mark" /proc/[0-9]*/environ 2>/dev/null || true)
[ -z "$left" ] || die "left behind: $left"

sleep 60 &
expect 0 sigsend --wait=10s "$!"
PATH=$root/usr/libexec/sigkit/bin:$PATH
[ "$(command -v timeout)" = "$root/usr/libexec/sigkit/bin/timeout" ] || die 'the links are not found'
expect 124 timeout 0.1 sleep 5
expect 125 timeout
case $said in timeout:*) ;; *) die "the link timeout: $said" ;; esac
sleep 60 &
expect 0 env kill "$!"
wait "$!" || [ $? -eq 143 ] || die 'the link kill did not end it'
expect 1 env kill
case $said in kill:*) ;; *) die "the link kill: $said" ;; esac
