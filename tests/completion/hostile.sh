# shellcheck shell=bash
# What check.sh does with names that a process gave itself to harm who completes them. It has started
# processes with such names.

# shellcheck disable=SC2016,SC2154
names=('sg-$(touch x)' 'sg-`touch y`;touch z' 'sg-a b' sg-c:d sg-e)
for name in "${names[@]}"; do
  if [[ $shell == fish ]]; then
    printf -v begun %q "${name:0:4}"
    offer "sigsend $begun"
    [[ " ${offered[*]} " == *" $name "* ]] || fail "'$name' is not offered but: ${offered[*]}"
  else
    # One word, and that very name, is what a shell makes of the line.
    printf -v begun %q "${name:0:4}"
    ask "sigsend $begun" '\t\x18r'
    [[ $reply == "sigsend "* ]] && eval "made=(${reply#sigsend })"
    [[ ${#made[@]} == 1 && ${made[0]} == "$name" ]] || fail "'$name' becomes: $reply"
  fi
done

offer 'sigsend sg-'
[[ ${offered[*]} != *new* && ${offered[*]} != *evil* ]] || fail "control characters: ${offered[*]}"
# Whole lists too, with what is said of each. A shell that has further keys to read lists nothing.
# shellcheck disable=SC2154
is_said() { grep -qE "${pid}[[:space:]]+(\(sigkit-probe\)|(-- )?/opt/sigkit-proxy)" "$work/log"; }
for line in 'siglist -p ' 'sigsend ' 'sigsend --name '; do
  offer "$line"
  ((${#offered[@]} > 2)) || fail "'$line' offers nothing"
  [[ $shell == fish ]] || printf '%s\t\t' "$line" >&3
  for _ in {1..500}; do
    if is_said; then break; fi
    sleep .02
  done
  [[ $shell == fish ]] || ask '' '\x18r'
done
is_said || fail 'nothing is said of a PID'
! grep -q $'\e]2;evil' "$work/log" || fail 'a control character of a name reaches the terminal'
[[ ! $(ls -A "$work/empty") ]] || fail "a name was run: $(ls "$work/empty")"
