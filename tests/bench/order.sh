#!/bin/bash
# order.sh BUILD...: a linker script that brings together what starts of the programs execute, on
# stdout. Each BUILD has the programs; what one has inlined is a function in another.
set -euo pipefail
[[ $(uname -m) == x86_64 ]] || { echo 'order.sh: for x86-64 only' >&2; exit 1; }
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
sleep 600 &
trap 'kill "$!"; rm -rf "$work"' EXIT
starts=("sigtimeout 10 /bin/true" "sigtimeout --tree -k 5 10 /bin/true" "sigtrap /bin/true"
  "sigtrap --ignore INT /bin/true" "sigsend -0 $!" "siglist TERM")
${CXX:-c++} -std=c++20 -O2 -o "$work/executed" "$here/executed.cpp"

for build in "$@"; do
  library=$(realpath "$build/lib/libsigkit.so")
  for start in "${starts[@]}"; do
    read -ra words <<<"$build/apps/$start"
    nm -S --defined-only "$library" |
      timeout 120 "$work/executed" "$library" "${words[@]}"
  done
done >"$work/names"

# Functions that differ in nothing but some types that they take count as one, and so do the parts
# and copies that a compiler makes of one.
grep -E '^[A-Za-z_]' "$work/names" | sed -E 's/\..*//; s/([CD])[12]E/\1?E/' | cut -c1-72 |
  LC_ALL=C sort -u >"$work/prefixes"

cat <<'EOF'
/* Made by ./dev order: brings together what starts of the programs execute, so that few pages of the
   library are touched. What is missing here, or is here and exists no more, does no harm. */
SECTIONS
{
  .text.start :
  {
    *(.text.startup*)
EOF
sed 's/.*/    *(.text.&*)/' "$work/prefixes"
cat <<'EOF'
  }
}
INSERT BEFORE .text;
EOF
