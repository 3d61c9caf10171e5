#!/bin/sh
# Every option that a program's --help names stands in its manual page and in each completion, and
# they name no other.
set -eu
source=$1 programs=$2
status=0
words() { grep -oE -- '--[a-z][a-z-]*' | LC_ALL=C sort -u; }
compare() {
  if ! diff -u "$3" "$4" >/dev/null; then
    echo "$1: --help and $2 differ:"; diff "$3" "$4" || true; status=1
  fi
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for program in sigtimeout sigsend sigtrap siglist; do
  "$programs/$program" --help | sed '/^Exit status/,$d' | grep -E '^  -' | words >"$work/help"
  sed -n 's/^\.It .*Fl Fl \([a-z-]*\).*/--\1/p' "$source/man/$program.1" | words >"$work/man"
  compare "$program" "the manual page" "$work/help" "$work/man"
  sed -n "/^    $program)/,/;;/p" "$source/completions/bash/sigkit" | words >"$work/bash"
  compare "$program" "the bash completion" "$work/help" "$work/bash"
  sed -n "/^  $program)/,/;;/p" "$source/completions/zsh/_sigkit" | words >"$work/zsh"
  compare "$program" "the zsh completion" "$work/help" "$work/zsh"
  sed -n 's/.* -l \([a-z-]*\).*/--\1/p' "$source/completions/fish/$program.fish" |
    words >"$work/fish"
  compare "$program" "the fish completion" "$work/help" "$work/fish"
done
exit $status
