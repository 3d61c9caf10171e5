#!/bin/sh
# What Debian's checker says of the packages in a folder: nothing.
set -eu
packages=$1
command -v lintian >/dev/null || { echo 'SKIPPED: there is no lintian here'; exit 0; }
set -- "$packages"/*.deb
[ $# -eq 3 ] || { echo "not three packages: $*"; exit 1; }
# It looks for misspelt words in machine code, too, and finds halves of words there.
findings=$(lintian --suppress-tags spelling-error-in-binary --allow-root --pedantic \
  --display-info --display-experimental --fail-on error,warning,info,pedantic "$@") || { echo "lintian: $findings"; exit 1; }
[ -z "$findings" ] || { echo "$findings"; exit 1; }
