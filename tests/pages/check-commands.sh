#!/bin/bash
# The commands of the README itself. In a CI all are run as they stand there, which builds anew, but
# for ./dev test, which is what runs this, and what installs packages; elsewhere the demonstration
# alone, with what is built.
set -euo pipefail
source=$1 programs=$2
# shellcheck source=tests/pages/common.sh
. "$source/tests/pages/common.sh"

blocks sh "$source/README.md" | sed 's/ *#.*//' >"$work/commands"
diff -u - "$work/commands" <<'COMMANDS'
./dev run
./dev test
sudo apt-get install g++ cmake ninja-build libcli11-dev libfmt-dev nlohmann-json3-dev
cmake --preset release
cmake --build --preset release
cmake --install build/release --prefix ~/.local
COMMANDS

# The container's first stage builds with the same packages.
dockerfile=$source/docs/containers.md
packages() { sed -n 's/.*apt-get install //p' "$work/commands"; }
[[ $(packages) == "$(tr -d '\n\134' <"$dockerfile" |
  sed -E 's/.*no-install-recommends (.*)COPY sigkit .*/\1/; s/ +/ /g')" ]]

if [[ ${CI:-} == true ]]; then
  (cd "$source" && ./dev run) >"$work/said" 2>&1 </dev/null || { cat "$work/said"; exit 1; }
else
  PATH=$programs:$PATH "$source/tests/demo/demo.sh" >"$work/said"
fi
# timeout leaves the server behind, sigtimeout does not, and says what hung.
if ! grep -A3 '^\$ .* timeout 1$' "$work/said" | grep -q '^left behind: tail' ||
  [[ $(grep -c '^left behind' "$work/said") != 1 || $(grep -c 'look here first' "$work/said") != 1 ]]; then
  cat "$work/said"
  exit 1
fi

[[ ${CI:-} == true ]] || exit 0
export HOME=$work/home
mkdir "$HOME"
(cd "$source" && bash -ec "$(sed 1,3d "$work/commands")") >"$work/log" 2>&1 </dev/null ||
  { cat "$work/log"; exit 1; }
build_static=$(sed -n 's/^RUN cd .sigkit && rm -rf build && //p' "$dockerfile")
# What it builds is built by tests/static as well.
[[ $build_static == 'cmake --workflow --preset static' ]]
(cd "$source" && cmake --preset static) >"$work/log" 2>&1 </dev/null || { cat "$work/log"; exit 1; }
"$source/tests/package/check-place.sh" "$HOME/.local"
[[ $("$HOME/.local/bin/siglist" TERM) == 15 && -e $HOME/.local/share/man/man7/sigkit.7 ]]
