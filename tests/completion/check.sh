#!/usr/bin/env bash
# Types the lines of the files beside this one into a real shell, which has what is installed, and
# holds what it offers against them. bash-alone is bash without bash-completion.
#   cases: LINE|  what must be offered  what must not, or * for all else   (separated by tabs)
#   typed: LINE|  what the line is after a TAB                             (| is the cursor)
set -euo pipefail
shell=$1 source=$2 build=$3 programs=$4
here=$source/tests/completion
skip() { echo "SKIPPED: there is no $1 here"; exit 0; }
command -v "${shell%-alone}" >/dev/null || skip "${shell%-alone}"
[[ $shell == fish ]] || command -v script >/dev/null || skip script
[[ $shell != bash || -e /usr/share/bash-completion/bash_completion ]] || skip bash-completion

work=$(mktemp -d)
# shellcheck disable=SC2317
end() {
  exec 3>&- 4>&- 5>&-
  # shellcheck disable=SC2046
  kill $(jobs -p) 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap end EXIT
mkdir "$work/home" "$work/bin" "$work/empty"
cmake --install "$build" --component programs --prefix "$work/installed" >"$work/install.log"
data=$work/installed/share
export HOME=$work/home ZDOTDIR=$work/home XDG_DATA_DIRS=$data:/usr/share TERM=xterm LC_ALL=C.UTF-8
export SIGKIT_SHELL=$shell SIGKIT_DATA=$data SIGKIT_REPLIES=$work/replies SIGKIT_NOISE=$work/noise
export SIGKIT_LOG=$work/log
unset XDG_DATA_HOME XDG_CONFIG_HOME BASH_COMPLETION_USER_DIR
: >"$work/noise"
cp "$here/zshrc" "$work/home/.zshrc"

# A command with a completion of its own: checkout, cherry, --alpha.
install -m 755 /dev/stdin "$work/bin/sigkit-demo" <<<'#!/bin/sh'
mkdir "$data/demo"
echo "complete -W 'checkout cherry --alpha' sigkit-demo" \
  >"$data/bash-completion/completions/sigkit-demo"
printf '%s\n' '#compdef sigkit-demo' "_arguments '--alpha[a]' '*:what:(checkout cherry)'" \
  >"$data/demo/_sigkit_demo"
printf '%s\n' "complete -c sigkit-demo -f -a 'checkout cherry'" 'complete -c sigkit-demo -l alpha' \
  >"$data/fish/vendor_completions.d/sigkit-demo.fish"

# Processes with these names that live as long as this script does. The last ones are hostile.
mkfifo "$work/hold" "$work/keys" "$work/replies"
exec 3<>"$work/keys" 4<>"$work/replies" 5<>"$work/hold"
live() {
  (exec -a "$2" bash -c 'printf %s "$1" >/proc/self/comm; echo >&4; read -r' - "$1" \
    <"$work/hold" 3>&- 5>&-) &
  read -r -t 20 -u 4
}
live sigkit-probe /opt/sigkit-proxy
pid=$!
# shellcheck disable=SC2016
live 'sg-$(touch x)' 'sg-`touch y`;touch z'
live 'sg-a b' $'sg-\e]2;evil\a'
live $'sg-new\nline' 'sg-c:d'
live $'sg-\e]2;evil\a' 'sg-e'

status=0
fail() {
  printf '%s: %s\n' "$shell" "$*"
  status=1
}

# $1 is the PATH.
start() {
  cd "$work/empty"
  case $shell in
    fish) PATH=$1 fish "$here/offer.fish" <"$work/keys" 3>&- 4>&- 5>&- & ;;
    zsh) PATH=$1 script -qefc 'zsh -di' "$work/log" <"$work/keys" >/dev/null 3>&- 4>&- 5>&- & ;;
    *)
      PATH=$1 script -qefc "bash --noprofile --rcfile $here/bashrc -i" "$work/log" \
        <"$work/keys" >/dev/null 3>&- 4>&- 5>&- & ;;
  esac
  terminal=$!
}

stop() {
  if [[ $shell == fish ]]; then ask end '\n'; else printf '\x04' >&3; fi
  wait "$terminal" || true
}

# Sets reply to what comes of line $1 and the keys $2.
ask() {
  printf '%s%b' "$1" "$2" >&3
  IFS= read -r -d '' -t 20 -u 4 reply || { cat -v "$work/log"; fail "no answer to: $1"; exit 1; }
}

# Sets offered to the words that may stand in place of the last one of line $1.
offer() {
  local kept=$1 word
  offered=()
  case $shell in
    fish)
      ask "$1" '\n'
      [[ ! $reply ]] || mapfile -t offered <<<"${reply%$'\n'}"
      return 0 ;;
    zsh)
      ask "$1" '\x18a\x18r'
      [[ $kept == *\  ]] || kept="${kept% *} " ;;
    bash)
      ask "$1" '\e*\x18r'
      kept=${kept%"${kept##*[ =:<>]}"} ;;
    bash-alone) # a word begins at an @ too, which bash-completion switches off
      ask "$1" '\e*\x18r'
      kept=${kept%"${kept##*[ =:<>@]}"} kept=${kept%@} ;;
  esac
  [[ $reply != "$1" ]] || return 0
  for word in ${reply#"$kept"}; do
    [[ $shell == zsh ]] || word=${kept##* }$word
    offered+=("${word%,}") # a comma that zsh takes away again
  done
}

has() { [[ " ${offered[*]} " == *" $1 "* ]]; }

check_cases() {
  local line expected refused word words=()
  while IFS=$'\t' read -r line expected refused; do
    [[ $line && $line != \#* ]] || continue
    line=${line//%PID%/$pid} expected=${expected//%PID%/$pid}
    line=${line//%PI%/${pid%?}}
    offer "${line%|}"
    [[ $expected == - ]] && expected=''
    read -ra words <<<"$expected"
    for word in ${words[@]+"${words[@]}"}; do
      has "$word" || fail "$line does not offer $word but: ${offered[*]:0:20}"
    done
    if [[ $refused == '*' ]]; then
      ((${#offered[@]} == ${#words[@]})) || fail "$line offers more: ${offered[*]:0:20}"
      continue
    fi
    for word in $refused; do
      if has "$word"; then fail "$line offers $word"; fi
    done
  done <"$here/$1"
}

check_typed() {
  local line expected
  while IFS=$'\t' read -r line expected; do
    [[ $line && $line != \#* ]] || continue
    expected=${expected%|}
    if [[ $shell == fish ]]; then
      offer "${line%|}"
      reply=${offered[*]}
      expected=${expected% } expected=${expected##* }
    else
      ask "${line%|}" '\t\x18r'
    fi
    [[ $reply == "$expected" ]] || fail "$line becomes '$reply', not '$expected'"
  done <"$here/typed"
}

start "$programs:$work/bin:$PATH"
set -f
check_cases cases
[[ $shell == bash-alone ]] || check_cases cases-command
check_typed
# shellcheck source=tests/completion/hostile.sh
. "$here/hostile.sh"
stop
mkdir "$work/some"
ln -s "$programs"/sig{send,trap,timeout} "$work/some"
start "$work/some:$PATH"
check_cases cases-alone
stop

[[ ! -s $work/noise ]] || fail "stderr: $(head -c 2000 "$work/noise")"
exit $status
