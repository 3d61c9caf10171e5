#!/usr/bin/env bash
# Every public function's comment says whether it may be called in several threads and in a signal
# handler, or whose answer is its own too.
#
#   check-comments.sh FOLDER_OF_HEADERS
set -euo pipefail

awk '
  FNR == 1 { comment = ""; hidden = 0 }
  /^namespace detail/ { hidden = 1 }
  /^} \/\/ namespace detail/ { hidden = 0 }
  /^\/\/\// { comment = comment " " substr($0, 5); next }
  /^template / && !/\(/ { next } # the comment stands before it
  # At the border of a line, and no definition of a member that its class has declared.
  !hidden && !/^[^(]* = / && /^(\[\[nodiscard\]\] |SIGKIT_API |inline |constexpr |template <|[a-z_:]+ [a-z_]+\().*\(/ &&
  !/::[a-z_]+\([^)]*\) *(const)? *(noexcept)? *\{/ && !/^inline .* [a-z_]+::[a-z_]+\([^()]*,$/ {
    ++functions
    known = comment ~ /[Tt]hread-safe/ && comment ~ /[Aa]sync-signal-safe/
    if (!known && comment !~ /[Ss]afety (as|above)/) {
      printf "%s:%d: says not who may call it: %s\n", FILENAME, FNR, $0
      ++missing
    }
  }
  /^$/ { comment = "" } # lines that follow each other share theirs
  END {
    if (functions < 50) { print "only " functions " functions found: this check is broken"; exit 1 }
    exit missing > 0
  }
' "$1"/sigkit/*.hpp
