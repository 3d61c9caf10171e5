#!/bin/bash
# What the README and its pages show, is so: each "$ ./dev run …" of the console blocks gives just what
# stands below it; the picture, the log and the listing are what is seen here; the scripts are those
# of the tree; the examples of the library are built against the installed one and succeed.
# shellcheck disable=SC2016,SC2030,SC2031 # literal dollar signs and backquotes; PATH in subshells
set -euo pipefail
source=$1 programs=$2 build=$3 compiler=$4
work=$(mktemp -d)
server=
trap 'kill -QUIT $server 2>/dev/null || true; rm -rf "$work"' EXIT

cat "$source/README.md" "$source"/docs/{ci,scripts,terminal,containers,many-machines}.md \
  "$source/lib/README.md" >"$work/pages"
[[ $(find "$source/docs" -name '*.md' | wc -l) == 5 ]]
sed -n '/^```console$/,/^```$/p' "$work/pages" | grep -v '^```' >"$work/shown"
while IFS= read -r line; do
  printf '%s\n' "$line"
  if [[ $line == '$ ./dev run '* ]]; then
    (set +e; PATH=$programs:$PATH; eval "${line#'$ ./dev run '}") 2>&1 || true
  fi
done < <(grep '^\$ ' "$work/shown") >"$work/seen"
[[ $(grep -c '^\$ ' "$work/shown") -ge 5 ]]
diff -u "$work/shown" "$work/seen"

# The CI job's log: PIDs, times and sizes differ from run to run, and so does the width of columns.
# The wait channel is a function of the kernel, and not told everywhere.
anonymous() { sed -E 's/[0-9]+(\.[0-9]+)?/N/g; s/N[KMG]\b/N/g; s/[ │]+/ /g; s/ \(wait channel [^)]*\)//; s/ $//'; }
(cd "$source"; PATH=$programs:$PATH; tests/demo/draw) >"$work/picture.svg"
diff -u <(anonymous <"$source/docs/sigtimeout.svg") <(anonymous <"$work/picture.svg")
sed -n 's/^<text[^>]*>\(.*\)<.text>$/\1/p' "$work/picture.svg" | grep '^[^#]' | anonymous >"$work/log_seen"
sed -n '/^```log$/,/^```$/p' "$work/pages" | grep -v '^```' | anonymous >"$work/log_shown"
[[ $(grep -c 'look here first' "$work/log_seen") == 1 ]]
diff -u "$work/log_shown" "$work/log_seen"
awk -v work="$work" '/^#!\/bin\/sh$/ { file = work "/script" ++count } /^```$/ { file = "" }
  file { print >file }' "$work/pages"
diff -u "$work/script1" "$source/tests/demo/suite"
diff -u "$work/script2" "$source/tests/demo/convert"

# The listing of a server; PID, user and numbers of signals are this machine's. Where it is not
# installed, it is not looked at.
nginx=$(PATH=$PATH:/usr/sbin command -v nginx || true)
if [[ -n $nginx ]]; then
  printf '%s\n' "daemon off; pid $work/nginx.pid; error_log $work/nginx.err;" 'events {}' \
    "http { access_log off; server { listen unix:$work/nginx.sock; } }" >"$work/nginx.conf"
  "$programs/sigtrap" --default all --unblock all "$nginx" -p "$work" -e "$work/nginx.err" \
    -c "$work/nginx.conf" >"$work/nginx.out" 2>&1 &
  server=$!
  until "$programs/siglist" --find --name '^nginx$' --catching WINCH --plain | grep -q "^$server	" &&
    [[ -s $work/nginx.pid ]]; do
    kill -0 "$server"
    sleep .02
  done
  heading() { sed -E 's/^[0-9]+ nginx, of [^,]*, sleeping; [0-9]+ of [0-9]+/N nginx, of U, sleeping; N of N/'; }
  sed -n '/^```text$/,/^```$/p' "$work/pages" | grep -v -e '^```' -e '^\$ ' | heading >"$work/shown"
  # It blocks signals while it starts its workers.
  for _ in {1..200}; do
    "$programs/siglist" -p "$(cat "$work/nginx.pid")" | heading >"$work/seen"
    ! cmp -s "$work/shown" "$work/seen" || break
    sleep .02
  done
  kill -QUIT "$server"
  wait "$server"
  diff -u "$work/shown" "$work/seen"
fi

# Its scratch directory is gone whatever ends the program.
mkdir "$work/scratch"
export TMPDIR=$work/scratch
convert() { PATH=$programs:$PATH exec "$source/tests/demo/convert" "$@"; }
is_clean() { [[ -z $(ls -A "$TMPDIR") ]]; }
[[ $(printf 'b\na\n' | convert) == $'a\nb' ]] && is_clean
! (convert "$work/nowhere" 2>"$work/said") && grep -q 'failed with 2' "$work/said" && is_clean
mkfifo "$work/input"
for signal in TERM INT KILL; do
  (convert "$work/input" 2>"$work/said") &
  supervisor=$!
  until program=$(cat "/proc/$supervisor/task/$supervisor/children" 2>/dev/null) && [[ -n $program ]] &&
    [[ $(cat "/proc/${program% }/comm" 2>/dev/null) == sort ]]; do sleep .02; done
  is_clean && exit 1
  if [[ $signal == KILL ]]; then kill -KILL "${program% }"; else kill -"$signal" "$supervisor"; fi
  status=0
  wait "$supervisor" || status=$?
  [[ $status == $((128 + $(kill -l "$signal"))) ]] && is_clean
  grep -q "failed with $status" "$work/said"
done
unset TMPDIR

cmake --install "$build" --prefix "$work/installed" >/dev/null
library=$(find "$work/installed" -name libsigkit.so)
awk -v work="$work" '/^```cpp$/ { file = work "/example" ++count ".cpp"; next } /^```$/ { file = "" }
  file { print >file }' "$work/pages"
[[ -e $work/example2.cpp ]]
for example in "$work"/example*.cpp; do
  "$compiler" -std=c++20 -I"$work/installed/include" "$example" -o "${example%.cpp}" \
    -L"${library%/*}" -lsigkit
  LD_LIBRARY_PATH=${library%/*} "${example%.cpp}"
done

# Those of libsigkit(3) are parts of a program. What is opened there hangs: a pipe without a writer.
awk '/^\.Sh EXAMPLES/ { wanted = 1 } /^\.Sh ERRORS/ { wanted = 0 } /^\.Ed/ { file = "" } file { print >file }
  /^\.Bd/ && wanted { file = "'"$work"'/part" ++count }' "$source/man/libsigkit.3"
mkfifo "$work/device"
sed -i "s|/dev/ttyS0|$work/device|; s|O_RDWR|O_RDONLY|
  s/std::chrono::\(seconds(5)\|minutes(10)\)/std::chrono::milliseconds(100)/" "$work"/part?
for part in "$work"/part?; do
  printf '%s\n' '#include <fcntl.h>' '#include <cstdio>' '#include <stdexcept>' '#include <sigkit/sigkit.hpp>' \
    'int main(int, char** argv) try {' '(void)argv;' "$(<"$part")" \
    '} catch (const std::runtime_error& error) { std::puts(error.what()); }' >"$part.cpp"
  "$compiler" -std=c++20 -I"$work/installed/include" "$part.cpp" -o "$part.program" -L"${library%/*}" -lsigkit
  LD_LIBRARY_PATH=${library%/*} "$part.program" sleep 1000
done >"$work/said"
diff -u - "$work/said" <<<$'couldn\'t open the device\ntoo slow'
