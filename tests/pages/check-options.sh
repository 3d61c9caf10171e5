#!/bin/sh
# Every option, long or short, that a program's --help names stands in its manual page and in each
# completion, and they name no other.
set -eu
source=$1 programs=$2
status=0
words() {
  tr -cs 'A-Za-z-' '\n' | grep -xE -e '--[a-z][a-z-]*' -e '-[A-Za-z]' | LC_ALL=C sort -u
}
compare() {
  if ! diff -u "$3" "$4" >/dev/null; then
    echo "$1: --help and $2 differ:"; diff "$3" "$4" || true; status=1
  fi
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for program in sigtimeout sigsend sigtrap siglist; do
  "$programs/$program" --help | sed -n '/^Exit status/q; s/^  \(-[^ ]*\).*/\1/p' | words >"$work/help"
  sed -n -e 'h; s/^\.It Fl \([A-Za-z]\)\( .*\)*$/-\1/p' \
    -e 'g; s/^\.It .*Fl Fl \([a-z-]*\).*/--\1/p' "$source/man/$program.1" | words >"$work/man"
  compare "$program" "the manual page" "$work/help" "$work/man"
  sed -n "/^    $program)/,/;;/p" "$source/completions/bash/sigkit" | words >"$work/bash"
  compare "$program" "the bash completion" "$work/help" "$work/bash"
  sed -n "/^  $program)/,/;;/p" "$source/completions/zsh/_sigkit" | sed '/^ *_arguments/d' |
    words >"$work/zsh"
  compare "$program" "the zsh completion" "$work/help" "$work/zsh"
  # An argument X, X/NAME or NAME, as argparse of fish has it.
  sed -n "s/^__sigkit_option $program '*\([a-zA-Z/-]*\).*/\1/p" \
    "$source/completions/fish/$program.fish" | tr / '\n' |
    sed -e 's/^.$/-&/' -e t -e 's/^/--/' | words >"$work/fish"
  compare "$program" "the fish completion" "$work/help" "$work/fish"
done
exit $status
