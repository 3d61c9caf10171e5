#!/bin/sh
# Every option, long or short, that a program's --help names stands in its manual page and in each
# completion, and they name no other; so do its exit statuses in the page. --help fits a terminal of
# 80 columns, is in groups, and ends with two examples.
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
fault() { echo "$1"; status=1; }
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

  "$programs/$program" --help >"$work/text"
  sed -n '/^Exit status/,/^$/p' "$work/text" | grep -oE '\b[0-9]+\b' | sort -un >"$work/help"
  sed -n '/^\.Sh EXIT STATUS/,/^\.Sh [A-DF-Z]/s/^\.It \([0-9]*\)$/\1/p' "$source/man/$program.1" |
    sort -un >"$work/man"
  test -s "$work/help" || fault "$program: --help names no exit status"
  compare "$program" "the exit statuses of the manual page" "$work/help" "$work/man"
  if grep -nE '.{81}' "$work/text"; then fault "$program: --help is wider than 80 columns"; fi
  test "$(grep -c '^[A-Z].*:$' "$work/text")" -ge 4 || fault "$program: --help is not in groups"
  test "$(sed '1,/^Examples:/d' "$work/text" | grep -c "^  $program ")" -eq 2 ||
    fault "$program: not two examples"
  for section in EXAMPLES 'COMPARED WITH' 'EXIT STATUS' 'SEE ALSO'; do
    grep -q "^\.Sh $section" "$source/man/$program.1" || fault "$program: the page has no $section"
  done
done
exit $status
