#!/bin/bash
# The entrypoint that the page about containers gives to copy, as PID 1 of a namespace whose root has
# it, a server and /proc, as in a container: the server runs, is told to stop and tidies up, and the
# daemon that it leaves is ended.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
source=$1 static=$2 compiler=$3
# shellcheck source=tests/pages/common.sh
. "$source/tests/pages/common.sh"
root=$work/root
mkdir -p "$root/proc"
enter=(unshare --mount --pid --fork --kill-child --mount-proc="$root/proc")
((EUID == 0)) || enter+=(--map-root-user)
"${enter[@]}" chroot / true 2>"$work/why" || {
  echo "SKIPPED: ${enter[*]} is not permitted: $(<"$work/why")"
  exit 0
}

blocks dockerfile "$source/docs/containers.md" >"$work/Dockerfile"
words() { sed -n "s/^$1 \[\(.*\)\]$/\1/p" "$work/Dockerfile" | tr -d '"' | sed 's/, /\n/g'; }
mapfile -t entry < <(words ENTRYPOINT)
mapfile -t command < <(words CMD)
[[ ${entry[0]} == /sigtrap && ${command[*]} == /server ]]

while read -r _ _ from to; do
  cp "$static/${from##*/}" "$root$to"
done < <(grep '^COPY --from=sigkit' "$work/Dockerfile")
echo '#include <signal.h>
#include <stdio.h>
#include <unistd.h>
int main() {
  if (fork() == 0) {
    setsid();
    for (;;) pause();
  }
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigprocmask(SIG_BLOCK, &stop, nullptr);
  int signal = 0;
  if (puts("ready") > 0 && fflush(stdout) == 0 && sigwait(&stop, &signal) == 0 && puts("tidy") > 0) return 7;
}' >"$work/server.cpp"
"$compiler" -static -o "$root/server" "$work/server.cpp"

mkfifo "$work/said"
env "$mark" "${enter[@]}" chroot "$root" "${entry[@]}" "${command[@]}" >"$work/said" 2>&1 </dev/null &
outside=$!
exec 3<"$work/said"
read -r -t 20 line <&3
[[ $line == ready ]] || { echo "the server does not start: $line"; exit 1; }
kill -TERM "$(tr -d ' ' <"/proc/$outside/task/$outside/children")"
read -r -t 20 line <&3
status=0
wait "$outside" || status=$?
[[ $line == tidy && $status == 7 ]] || { echo "status $status, and it said: $line"; exit 1; }
left=$(marked)
[[ -z $left ]] || { echo "left behind: $left"; exit 1; }
