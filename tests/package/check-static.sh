#!/bin/sh
# check-static.sh FOLDER [init]: the four static programs of a folder, alone in a root without /proc,
# /dev or any other file. With init: sigtrap as PID 1 of it.
set -eu
PATH=$PATH:/usr/sbin:/sbin
programs=$1 as=${2:-}
all='sigsend sigtrap sigtimeout siglist'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
die() { echo "check-static: $*"; exit 1; }

# What enters the root is tried with the root of this machine, which has nothing of ours in it.
enter=chroot
[ "$as" != init ] || enter='unshare --pid --fork --kill-child chroot'
[ "$(id -u)" -eq 0 ] || enter="unshare --map-root-user ${enter#unshare }"
# shellcheck disable=SC2086 # a word for each
$enter / /bin/true 2>"$work/why" || { echo "SKIPPED: $enter is not permitted: $(cat "$work/why")"; exit 0; }

root=$work/root
mkdir "$root"
for program in $all; do
  cp "$programs/$program" "$root"
  # Neither a loader nor a library, and nothing that is left to either.
  readelf -lW "$root/$program" >"$work/elf"
  grep -q ' LOAD ' "$work/elf" || die "$program is not what was expected"
  ! grep -E 'INTERP|DYNAMIC' "$work/elf" || die "$program is not static"
  echo "$program: $(stat -c %s "$root/$program") bytes"
done

# run STATUS COMMAND...: leaves what it printed in $said, and its messages in $complaint.
run() {
  wanted=$1 status=0
  shift
  # shellcheck disable=SC2086
  said=$($enter "$root" "$@" 2>"$work/complaint" </dev/null) || status=$?
  complaint=$(cat "$work/complaint")
  [ "$status" -eq "$wanted" ] || die "$*: status $status, not $wanted: $said $complaint"
}
silent() { run "$@"; [ -z "$complaint" ] || die "$*: $complaint"; }
# without_proc STATUS COMMAND...: fails because of what is missing, and says that.
without_proc() {
  run "$@"
  case $complaint in *'/proc does not show this PID namespace'*) ;; *) die "$*: $complaint" ;; esac
  [ -z "$said" ] || die "$*: it went on: $said"
}

if [ "$as" = init ]; then
  silent 0 /sigtrap --init /siglist TERM
  [ "$said" = 15 ] || die "siglist under init: $said"
  silent 3 /sigtrap --init /sigtrap --remap 0=3 /siglist TERM
  silent 124 /sigtrap --init /sigtimeout 0.2 /sigtrap --wait USR1
  # As PID 1 it has no default actions: what ends it is its own doing.
  silent 124 /sigtimeout 0.2 /sigtrap --wait USR1
  exit 0
fi

for program in $all; do
  silent 0 "/$program" --version
  case $said in "$program "*[0-9]*) ;; *) die "$program --version: $said" ;; esac
  silent 0 "/$program" --help
done
silent 0 /siglist
[ "$(echo "$said" | wc -l)" -ge 64 ] || die "the table: $said"
silent 0 /siglist --json
silent 0 /siglist TERM 9 137
[ "$said" = "$(printf '15\nKILL\nKILL')" ] || die "siglist: $said"
silent 0 /sigsend -l
case $said in *TERM*) ;; *) die "sigsend -l: $said" ;; esac
silent 0 /sigtrap /siglist TERM
[ "$said" = 15 ] || die "sigtrap: $said"
silent 0 /sigtrap --ignore HUP /siglist --inherited --plain
case $said in *HUP*ignored*) ;; *) die "what sigtrap ignores: $said" ;; esac
silent 124 /sigtimeout 0.2 /sigtrap --wait USR1
silent 0 /sigtimeout --until 00:00 60 /siglist TERM
run 127 /sigtimeout 1 /missing
run 1 /sigsend --user root
case $complaint in *"no user is named 'root'"*) ;; *) die "no /etc/passwd: $complaint" ;; esac
run 0 /sigtrap --on EXIT=true /siglist TERM
case $complaint in *'running sh: No such file'*) ;; *) die "no shell: $complaint" ;; esac

without_proc 125 /sigtimeout --tree 1 /siglist TERM
without_proc 125 /sigtrap --tree /siglist TERM
without_proc 1 /siglist -p 1
without_proc 1 /siglist --find
without_proc 1 /sigsend --dry-run --tree 1
without_proc 1 /sigsend -0 --user 0

# A sender whose name is nowhere.
mkfifo "$work/lines"
# shellcheck disable=SC2086
$enter "$root" /sigtimeout 20 /sigtrap --wait USR1,USR2 --count 2 --print-pid >"$work/lines" 2>&1 &
waiting=$!
exec 3<"$work/lines"
read -r pid <&3 # it is ready now
"$root/sigsend" -USR1 "$pid"
read -r line <&3
"$root/sigsend" -USR2 "$pid"
wait "$waiting" || die "sigtrap --wait: $? after $line"
case $line in *USR1*) ;; *) die "sigtrap --wait: $line" ;; esac
