#!/bin/bash
# What the README shows, runs: each "$ ./dev run …" of its console blocks gives just what stands
# below it, and its example of the library is built against the installed library and succeeds.
# shellcheck disable=SC2016 # literal dollar signs and backquotes
set -euo pipefail
source=$1 programs=$2 build=$3 compiler=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sed -n '/^```console$/,/^```$/p' "$source/README.md" | grep -v '^```' >"$work/shown"
while IFS= read -r line; do
  printf '%s\n' "$line"
  if [[ $line == '$ ./dev run '* ]]; then
    (set +e; PATH=$programs:$PATH; eval "${line#'$ ./dev run '}") 2>&1 || true
  fi
done < <(grep '^\$ ' "$work/shown") >"$work/seen"
[[ $(grep -c '^\$ ' "$work/shown") -ge 5 ]]
diff -u "$work/shown" "$work/seen"

cmake --install "$build" --prefix "$work/installed" >/dev/null
library=$(find "$work/installed" -name libsigkit.so)
sed -n '/^```cpp$/,/^```$/p' "$source/README.md" | grep -v '^```' >"$work/example.cpp"
"$compiler" -std=c++20 -I"$work/installed/include" "$work/example.cpp" -o "$work/example" \
  -L"${library%/*}" -lsigkit
LD_LIBRARY_PATH=${library%/*} "$work/example"
