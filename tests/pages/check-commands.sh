#!/bin/bash
# The commands of the README itself. In a CI all are run as they stand there, which builds anew, but
# for ./dev test, which is what runs this; elsewhere the demonstration alone, with what is built.
set -euo pipefail
source=$1 programs=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

awk '/^```/ { shown = !shown && $0 == "```sh"; next } shown' "$source/README.md" | sed 's/ *#.*//' >"$work/commands"
diff -u - "$work/commands" <<'COMMANDS'
./dev run
./dev test
cmake -S . -B build/mine -DSIGKIT_TESTS=OFF
cmake --build build/mine
cmake --install build/mine --prefix ~/.local
COMMANDS

if [[ ${CI:-} == true ]]; then
  (cd "$source" && ./dev run) >"$work/said" 2>&1 </dev/null || { cat "$work/said"; exit 1; }
else
  PATH=$programs:$PATH "$source/tests/demo/demo.sh" >"$work/said"
fi
grep -A3 -F '$ timeout 1 ./job' "$work/said" | grep -q '  sleep 600'
[[ $(tail -n 2 "$work/said") == '$ sigtimeout --tree 1 ./job
Exit status 124. Still running: nothing.' ]] || { cat "$work/said"; exit 1; }

[[ ${CI:-} == true ]] || exit 0
export HOME=$work/home CMAKE_GENERATOR=Ninja CMAKE_BUILD_TYPE=Debug # the fastest
mkdir "$HOME" "$work/source"
(cd "$source" && tar -c --exclude=./build --exclude=./.git .) | tar -x -C "$work/source"
cd "$work/source"
bash -ec "$(sed 1,2d "$work/commands")" >"$work/log" 2>&1 </dev/null || { cat "$work/log"; exit 1; }
[[ $("$HOME/.local/bin/siglist" TERM) == 15 && -e $HOME/.local/share/man/man7/sigkit.7 ]]
