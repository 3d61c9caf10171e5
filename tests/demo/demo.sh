#!/usr/bin/env bash
# The main job, seen side by side: a job whose daemon left the process group is limited twice, and
# what it left is listed after each. sigtimeout and sigsend are found along PATH.
set -euo pipefail

mark=SIGKIT_DEMO=$$.$RANDOM
work=$(mktemp -d)
left() {
  local file pid
  grep -lzxF -- "$mark" /proc/[0-9]*/environ 2>/dev/null | while read -r file; do
    pid=${file//[!0-9]/}
    printf '%s  %s\n' "$pid" "$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null || true)"
  done || true
}
end_what_is_left() {
  local pids
  pids=$(left | cut -d' ' -f1)
  # shellcheck disable=SC2086 # one word for each process
  [[ -z $pids ]] || sigsend -KILL $pids || true
}
trap 'end_what_is_left; rm -rf "$work"' EXIT

cat >"$work/job" <<'JOB'
#!/bin/sh
setsid sh -c 'sleep 600; :' &   # a daemon, in a session of its own
(sleep 601 &)                   # one whose parent is gone
sleep 602                       # and here the job hangs
JOB
chmod +x "$work/job"

limited() {
  printf '\n$ %s ./job\n' "$*"
  local status=0
  (cd "$work" && env "$mark" "$@" ./job >/dev/null 2>&1 </dev/null) || status=$?
  printf 'Exit status %s. ' "$status"
  sleep .5 # what has got a signal has its time to end
  local remaining
  remaining=$(left)
  if [[ -z $remaining ]]; then
    printf 'Still running: nothing.\n'
  else
    printf 'Still running:\n'
    # shellcheck disable=SC2001 # each line gets its margin
    sed 's/^/  /' <<<"$remaining"
  fi
}
printf 'A job starts two daemons, and then hangs:\n\n'
sed 's/^/  /' "$work/job"
limited timeout 1
end_what_is_left
limited sigtimeout --tree 1
