#!/bin/sh
# A real build, this project's own, under a limit: too short, it leaves no process of the build
# behind; long enough, it gives the build's own status.
set -eu
source=$1 sigtimeout=$2 compiler=$3
work=$(mktemp -d)
mark=SIGKIT_BUILD_MARK=$$.$(date +%s%N)
trap 'rm -rf "$work"' EXIT

left() { grep -lzxF -- "$mark" /proc/[0-9]*/environ 2>/dev/null | while read -r file; do
  tr '\0' ' ' <"${file%environ}cmdline" 2>/dev/null; echo; done; }

for tool in 'Unix Makefiles:make' 'Ninja:ninja'; do
  generator=${tool%:*} command=${tool#*:}
  if ! command -v "$command" >/dev/null; then echo "SKIPPED: no $command here"; exit 0; fi
  build=$work/$command
  cmake -S "$source" -B "$build" -G "$generator" -DCMAKE_BUILD_TYPE=Debug -DSIGKIT_TESTS=OFF \
    -DCMAKE_CXX_COMPILER="$compiler" >/dev/null

  status=0
  env "$mark" "$sigtimeout" --tree 2s "$command" -C "$build" -j2 >"$work/log" 2>&1 || status=$?
  if [ "$status" -ne 124 ]; then cat "$work/log"; echo "$command: status $status, not 124"; exit 1; fi
  remaining=$(left)
  if [ -n "$remaining" ]; then echo "$command: left behind: $remaining"; exit 1; fi
done

# A part of it is enough to end by itself.
objects=$(ninja -C "$work/ninja" -t targets all |
  sed -n 's/^\(.*\/\(signal_id\|signal_set\|duration\|ladder\|exit_status\)\.cpp\.o\): .*/\1/p')
# shellcheck disable=SC2086 # one word for each
"$sigtimeout" --tree 10m ninja -C "$work/ninja" -j2 $objects >"$work/log" 2>&1 || {
  cat "$work/log"; echo "the build did not give its own status"; exit 1; }
for object in $objects; do test -s "$work/ninja/$object"; done
test "$(echo "$objects" | wc -l)" -eq 5

echo '#error on purpose' >"$work/broken.cpp"
status=0
"$sigtimeout" --tree 10m "$compiler" -c "$work/broken.cpp" -o "$work/broken.o" 2>/dev/null || status=$?
if [ "$status" -ne 1 ]; then echo "a failed build: status $status, not 1"; exit 1; fi
