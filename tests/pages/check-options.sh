#!/bin/sh
# Every option, long or short, that a program's --help names stands in its manual page and in each
# completion, with a value where it takes one, and they name no other; so do its exit statuses in the
# page. --help fits a terminal of 80 columns, is in groups, and ends with two examples.
set -eu
source=$1 programs=$2
status=0
# Prints the option in each line with what it takes: = a value, ? one after = alone. A short form takes
# none then.
options() {
  awk '{ kind = /=[?-]$/ ? "?" : /[=+]$/ ? "=" : ""
    sub(/[=+?-]*$/, "")
    print $0 (kind == "?" && $0 !~ /^--/ ? "" : kind) }' | grep -xE -e '-(-[a-z][a-z-]*|[A-Za-z])[=?]?' |
    LC_ALL=C sort -u
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
  "$programs/$program" --help | sed '/^Exit status/q' |
    sed -nE 's/^  (-[^ []*)(\[=[^ ]*)?(( [A-Z][^ ]*)*)(  .*)?$/\1 \2\3/p' | awk '{
      count = split($1, names, ",")
      for (i = 1; i <= count; i++) print names[i] ($2 ~ /^\[/ ? "=?" : NF > 1 ? "=" : "") }' |
    options >"$work/help"
  # .It Fl l , Fl Fl list Ns Op = Ns Ar SPEC
  grep -E '^\.It Fl (Fl|[A-Za-z]\b)' "$source/man/$program.1" | awk '{
      kind = / Ns Op = / && !/ Ar .* Ns Op = / ? "=?" : / Ar | Ns = / ? "=" : ""
      for (i = 2; i < NF; i++) if ($i == "Fl")
        if ($(i + 1) == "Fl") print "--" $(i + 2) kind; else if ($(i - 1) != "Fl") print "-" $(i + 1) kind }' |
    options >"$work/man"
  compare "$program" "the manual page" "$work/help" "$work/man"
  # -k=DUR, --list:SIG
  sed '/^}/q' "$source/completions/bash/sigkit" | sed -n "/^    $program)/,/;;/p" | tr ' ()' '\n' |
    sed -E 's/^(-[a-zA-Z-]*)([=:]).*/\1\2/; s/:$/=?/' | options >"$work/bash"
  compare "$program" "the bash completion" "$work/help" "$work/bash"
  # '(-l --list)'{-l,--list=-}'[DESCRIPTION]…
  sed -n "/^  $program)/,/;;/p" "$source/completions/zsh/_sigkit" | sed "s/' '/\\n/g" |
    sed -n "s/([^)]*)//; s/\\[.*//p" |
    tr "{},'* " '\n' | options >"$work/zsh"
  compare "$program" "the zsh completion" "$work/help" "$work/zsh"
  # k/kill-after=, 'list=?': as argparse of fish has it.
  sed -n "s/^__sigkit_option $program '*\([^ ']*\).*/\1/p" "$source/completions/fish/$program.fish" |
    awk -F/ '{ kind = /=\?$/ ? "=?" : /=$/ ? "=" : ""
      sub(/=\??$/, "")
      for (i = 1; i <= NF; i++) print (length($i) > 1 ? "--" : "-") $i kind }' | options >"$work/fish"
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
