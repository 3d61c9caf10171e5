#!/bin/sh
# The symbols that the shared library exports, demangled, against the list of those meant.
# Every name below sigkit:: that a header declares with SIGKIT_API stands there, and no other.
set -eu
library=$1 expected=$2
nm -DC --defined-only "$library" | cut -d' ' -f3- | sed 's/@@.*//' | LC_ALL=C sort -u | diff -u "$expected" -
