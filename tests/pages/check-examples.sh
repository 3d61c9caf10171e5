#!/bin/bash
# The commands that --help, the manual pages and the pages of the README show are run as they stand there, in
# a place that has what they name. Each ends with the status that is said below, 0 where nothing is
# said, and leaves no process behind.
# shellcheck disable=SC2016 # dollar signs of the commands
set -euo pipefail
source=$1 programs=$2
# shellcheck source=tests/pages/common.sh
. "$source/tests/pages/common.sh"

mkdir "$work/bin"
printf '%s\n' '#!/bin/sh' '[ "$1" != --ready-signal ] || kill -USR1 "$2"' >"$work/bin/nginx"
for name in fetch query jobs run-jobs tests server nightly solve convert render-config start-workers; do
  cp "$work/bin/nginx" "$work/$name"
done
for name in eu-stack vim; do cp "$work/bin/nginx" "$work/bin/$name"; done
printf '%s\n' 'all check:' '	@echo checked' >"$work/Makefile"
# What is looked at and signalled: a server with a child.
printf '%s\n' '#!/bin/bash' 'trap : HUP USR1 RTMIN+1' 'sleep 1000 &' 'echo $$ >daemon.pid' \
  'until wait; [[ -z $(jobs -p) ]]; do :; done' >"$work/bin/sigkit-server"
chmod +x "$work"/bin/* "$work"/[a-z]*[a-z]
cd "$work"
export PATH=$work/bin:$programs:$PATH dir=$work/made

start_server() {
  rm -f daemon.pid
  env "$mark" sigtrap --default all --unblock all --scope auto --then 5s:KILL sigkit-server \
    >/dev/null 2>&1 </dev/null &
  guard=$!
  until [[ -s daemon.pid ]]; do
    kill -0 "$guard"
    sleep .01
  done
  server=$(<daemon.pid)
}
end_server() {
  kill "$guard" 2>/dev/null || true
  wait "$guard" 2>/dev/null || true
}

commands() {
  # A command that goes over lines ends where it can be read as a whole.
  local line command=''
  while IFS= read -r line; do
    command+=${command:+$'\n'}$line
    if bash -n <<<"$command" 2>/dev/null && [[ $line != *\\ ]]; then
      printf '%s\0' "$command"
      command=''
    fi
  done
  [[ -z $command ]]
}
of_page() {
  awk '/^\.Dl / { print substr($0, 5) } /^\.Bd/ { shown = 1; next } /^\.Ed/ { shown = 0 } shown' "$1" |
    sed 's/\\&//g; s/\\e/\\/g'
}
of_help() { "$1" --help | sed '1,/^Examples:/d; s/^  //'; }
of_markdown() { awk '/^```/ { shown = !shown && $0 == "```sh"; first = 1; next }
  shown && first && /^#!/ { shown = 0 } shown { first = 0; print }' "$1"; }

# Whether a command that is to see the end of the server waits for it.
is_waiting() {
  if [[ $1 == *--watch* ]]; then
    [[ -s seen ]]
  else
    marked | sed 's|.*|/proc/&/fd|' | xargs -r -I{} find {} -lname '*eventpoll*' 2>/dev/null | grep -q .
  fi
}

check() {
  local command=$1 wanted=0 status=0 ender=''
  case $command in
    *"sleep 60'" | 'sigtrap --wait '*s | 'sigtrap --wait '*value) wanted=124 ;;
    'siglist --find '*) wanted='[01]' ;; # what runs here is not known
    *' --user build '* | *'-i --tty'*) wanted=1 ;; # nobody is meant, or says yes
    *'--scope cgroup'*)
      # Where no cgroup could be made for it, the server is in ours, which is spared.
      if cmp -s /proc/self/cgroup "/proc/$server/cgroup"; then wanted=1; fi ;;
    '#'*) return ;;
  esac
  command=${command//4711/$server}
  command=${command//\/run\/+(app|daemon).pid/daemon.pid}
  if [[ $wanted == 124 ]]; then command=${command/30s/0.3s}; fi
  case $command in
    *'sigsend '*) command=${command//nginx/sigkit-server} command=${command//build/"$(id -un)"}
      command=${command//2d/inf} command=${command//pts\/3/-} ;;
    *'siglist '*) command=${command//user @(build|app)/"user $(id -un)"} ;;
  esac
  : >seen
  if [[ $command == *'-0 --wait'* || $command == *--watch* ]]; then
    # It waits for the end of the server.
    (for _ in {1..500}; do
      if is_waiting "$command"; then break; fi
      sleep .02
    done
    kill "$guard") &
    ender=$!
  fi
  env "$mark" timeout 20 bash -c "$command" >seen 2>&1 </dev/null || status=$?
  [[ -z $ender ]] || wait "$ender"
  # shellcheck disable=SC2053 # a pattern
  if [[ $status != $wanted ]]; then
    printf '%s\nended with %s, not %s, and said:\n' "$1" "$status" "$wanted"
    cat seen
    failed=1
  fi
  if grep -q -- "--help' for more" seen; then
    printf '%s\nis refused:\n' "$1"
    cat seen
    failed=1
  fi
}

shopt -s extglob
failed=0 count=0
for page in "$programs"/sig{list,send,timeout,trap} "$source"/man/sig*.[17] \
  "$source"/docs/{scripts,terminal,ci,containers}.md; do
  here=0
  while IFS= read -r -d '' command <&3; do
    start_server
    check "$command"
    end_server
    mapfile -t left < <(marked)
    if ((${#left[@]} > 0)); then
      printf '%s\nleaves processes behind: %s\n' "$command" "${left[*]}"
      kill -KILL "${left[@]}" 2>/dev/null || true
      failed=1
    fi
    here=$((here + 1))
  done 3< <(case $page in
    *.md) of_markdown "$page" ;;
    *.[17]) of_page "$page" ;;
    *) of_help "$page" ;;
  esac | commands)
  if ((here == 0)); then
    echo "${page##*/}: no command was found"
    failed=1
  fi
  count=$((count + here))
done
echo "$count commands"
exit "$failed"
