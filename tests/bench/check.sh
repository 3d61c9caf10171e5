#!/bin/sh
# check.sh BENCH SHARED STATIC FIXTURES: a short run measures everything, and leaves nothing behind.
# How fast anything is, is not looked at.
set -eu
bench=$1 shared=$2 static=$3 fixtures=$4
work=$(mktemp -d)
running=
trap '[ -z "$running" ] || kill "$running"; rm -rf "$work"' EXIT
die() { echo "check: $*"; [ ! -e "$work/table" ] || cat "$work/table"; exit 1; }

# Programs of its own path: what another run has left, or still has, is not looked at.
mkdir "$work/fixtures"
for program in one_page bench_sleepers latecomer weigh; do
  cp "$fixtures/$program" "$work/fixtures"
done
left() {
  find /proc -maxdepth 2 -name exe -lname "$work/*" 2>/dev/null || true
}

set -- --shared "$shared" --static "$static" --fixtures "$work/fixtures" --table "$work/table"
"$bench" "$@" --runs 3 --svg "$work/svg" 2>"$work/said" || die "$(cat "$work/said")"
[ -z "$(left)" ] || die "still running: $(left)"

# rows COUNT TITLE: of the group with this title, so many rows are ours, and have a number.
rows() {
  found=$(awk -v title="$2" '
    /^[^ ]/ { inside = index($0, title) == 1 }
    inside && /^  (sig|-s )/ && / [0-9]+\.[0-9]+ (ms|GiB\/s) / { ++rows }
    END { print rows + 0 }' "$work/table")
  [ "$found" -eq "$1" ] || die "'$2' has $found rows of ours, not $1"
}
rows 4 'a time limit around a command'
rows 4 'supervising a command'
rows 2 'ignoring a signal, then becoming a command'
rows 4 'a signal to one process'
rows 3 'how late the signal of a time limit'
rows 1 'output that is watched'
rows 2 'signal 0 to 100 processes'
rows 2 'the signals of 100 processes'
# Not every machine gives everybody cgroups and namespaces.
may_miss=
[ -w /sys/fs/cgroup/cgroup.procs ] || may_miss=cgroup
unshare --pid --fork true 2>/dev/null || may_miss="$may_miss|namespace"
missing=$(grep -cE "^  -s .* no (${may_miss:-nothing}) here\$" "$work/table" || true)
for count in 10 100; do
  rows $((6 - missing / 2)) "ending $count sleeping processes"
done

if command -v xmllint >/dev/null; then
  xmllint --noout "$work/svg"
elif command -v python3 >/dev/null; then
  python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$work/svg"
else
  tail -n 1 "$work/svg" | grep -qx '</svg>'
fi || die 'the picture is not XML'

# A signal ends it with all that it has started.
"$bench" "$@" --only lateness --runs 5000 2>"$work/said" &
running=$!
tries=0
until [ -n "$(left)" ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 200 ] || die "it starts nothing: $(cat "$work/said")"
  sleep 0.05
done
kill "$running"
status=0
wait "$running" || status=$?
running=
[ "$status" -eq 143 ] || die "TERM: status $status"
[ -z "$(left)" ] || die "TERM: still running: $(left)"
