#!/bin/bash
# What the page about many machines gives to copy, with Debian's parallel and an sshd of its own on
# the loopback: a job over there that starts a daemon and hangs is ended there, and the others succeed.
# shellcheck disable=SC2016,SC2317 # dollar signs of scripts; what a trap calls
set -euo pipefail
source=$1 programs=$2
for tool in parallel ssh scp sshd; do
  PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null || { echo "SKIPPED: there is no $tool here"; exit 0; }
done
# shellcheck source=tests/pages/common.sh
. "$source/tests/pages/common.sh"
server=
made_run=
also_end() {
  [[ -z $server ]] || kill "$server" 2>/dev/null || true
  [[ -z $made_run ]] || rmdir /run/sshd 2>/dev/null || true
}
fail() {
  echo "$*"
  cat "$work"/{said,jobs.log,sshd.log} 2>/dev/null
  exit 1
}

# The other machine: an sshd that lets this user in by a key, to a home of its own.
far=$work/far
mkdir "$far" "$work/home"
ssh-keygen -q -t ed25519 -N '' -f "$work/host_key"
ssh-keygen -q -t ed25519 -N '' -f "$work/key"
printf '%s\n' "ListenAddress 127.0.0.1" "HostKey $work/host_key" "AuthorizedKeysFile $work/key.pub" \
  'StrictModes no' 'UsePAM no' 'PidFile none' 'Subsystem sftp /usr/lib/openssh/sftp-server' \
  "SetEnv ${mark%%=*}=${mark#*=} HOME=$far" \
  "ForceCommand cd $far && PATH=$programs:\$PATH && eval \"\$SSH_ORIGINAL_COMMAND\"" >"$work/sshd_config"
if ((EUID == 0)) && [[ ! -d /run/sshd ]]; then mkdir /run/sshd && made_run=1; fi
for _ in {1..20}; do
  port=$((20000 + RANDOM % 10000))
  env "$mark" /usr/sbin/sshd -D -e -f "$work/sshd_config" -p "$port" >"$work/sshd.log" 2>&1 </dev/null &
  server=$!
  until grep -qE 'listening on|Cannot bind|fatal|error' "$work/sshd.log"; do
    kill -0 "$server" 2>/dev/null || break
    sleep .02
  done
  if grep -q 'Server listening' "$work/sshd.log"; then break; fi
  wait "$server" || true
done
grep -q 'Server listening' "$work/sshd.log" || fail 'sshd does not start'
printf '%s\n' 'Host far' "  HostName 127.0.0.1" "  Port $port" "  User $(id -un)" \
  "  IdentityFile $work/key" '  IdentitiesOnly yes' '  BatchMode yes' '  LogLevel ERROR' \
  '  StrictHostKeyChecking no' "  UserKnownHostsFile $work/known" >"$work/ssh_config"

printf '%s\n' '#!/bin/sh' 'case $1 in two*) setsid sleep 1000 & exec sleep 1000 ;; esac' \
  'echo "converted $1"' >"$far/convert"
chmod +x "$far/convert"
mkdir "$work/here"
cd "$work/here"
touch one.wav two.wav three.wav
echo far >hosts
mkdir -p "$work/bin" build/static/apps
# ssh and scp take a configuration only by option.
for tool in ssh scp; do
  printf '%s\n' '#!/bin/sh' "exec $(command -v "$tool") -F $work/ssh_config \"\$@\"" >"$work/bin/$tool"
done
chmod +x "$work"/bin/*
export PATH=$work/bin:$PATH HOME=$work/home

mapfile -t commands < <(blocks sh "$source/docs/many-machines.md" | sed -E 's/\b10m\b/1s/')
((${#commands[@]} == 3)) || fail "the page has ${#commands[@]} commands, not 3"

ssh far true >"$work/said" 2>&1 </dev/null || {
  if grep -q 'account is locked\|shell .* not exist' "$work/sshd.log"; then
    echo 'SKIPPED: no login for this user'
    exit 0
  fi
  fail 'no login'
}

# With parallel's own limit the daemon that the job has started over there goes on, where it had the
# time to start.
running() { marked | while read -r pid; do tr '\0' ' ' <"/proc/$pid/cmdline"; done 2>/dev/null || true; }
job_is_left() { [[ $(running) == 'sleep 1000 ' ]]; }
for limit in 1 2 4 8 16; do
  ! parallel --will-cite --sshloginfile hosts --timeout "$limit" ./convert ::: two.wav >"$work/said" 2>&1 \
    </dev/null || fail 'a job that hangs succeeds'
  for _ in {1..250}; do
    if job_is_left || [[ -z $(marked) ]]; then break; fi
    sleep .02
  done
  if job_is_left; then break; fi
done
job_is_left || fail "parallel's own limit leaves nothing: there is nothing to show"
mapfile -t pids < <(marked)
kill -KILL "${pids[@]}" || true

! timeout -k 1 60 bash -c "${commands[0]/parallel/parallel --will-cite}" >"$work/said" 2>&1 </dev/null ||
  fail 'a job that hangs succeeds'
[[ $(awk 'NR > 1 { print $7 }' jobs.log | sort -n | xargs) == '0 0 124' ]] || fail 'other statuses'
grep -q 'look here first' "$work/said" || fail 'it is not said what hung'
[[ $(grep -c '^converted' "$work/said") == 2 ]] || fail 'the others do not succeed'
[[ -z $(marked) ]] || fail 'left behind over there'

# Nor is anything left where the connection is lost.
lost=${commands[0]/parallel/parallel --will-cite}
setsid bash -c "exec ${lost/1s/1000s}" >"$work/said" 2>&1 </dev/null &
here=$!
for _ in {1..1000}; do
  if [[ $(running) == *'sleep 1000 sleep 1000'* ]]; then break; fi
  sleep .02
done
grep -laF "$work/ssh_config" /proc/[0-9]*/cmdline 2>/dev/null | tr -dc '0-9\n' | while read -r pid; do
  [[ $(cat "/proc/$pid/comm" 2>/dev/null) != ssh ]] || kill -KILL "$pid" || true
done || true # something else ended meanwhile
kill -KILL -- "-$here" 2>/dev/null || true
wait "$here" 2>/dev/null || true
for _ in {1..1000}; do
  if [[ -z $(marked) ]]; then break; fi
  sleep .02
done
[[ -z $(marked) ]] || fail 'left behind over there, without a connection'

printf '%s\n' '#!/bin/sh' 'echo "converted $1"' >"$far/convert"
timeout -k 1 60 bash -c "${commands[1]/parallel/parallel --will-cite}" >"$work/said" 2>&1 </dev/null || fail 'again'
[[ $(<"$work/said") == 'converted two.wav' ]] || fail 'again, another'

cp "$programs/sigtimeout" build/static/apps/
timeout -k 1 60 bash -c "${commands[2]}" >"$work/said" 2>&1 </dev/null || fail 'it is not copied'
[[ -x $far/sigtimeout ]] || fail 'it is not there'
