#!/bin/bash
# What the page about CIs gives to copy, around a job that starts a daemon and hangs, with shorter
# limits: each ends, says what hung, and leaves nothing behind.
set -euo pipefail
source=$1 programs=$2 compiler=$3
# shellcheck source=tests/pages/common.sh
. "$source/tests/pages/common.sh"
export PATH=$programs:$PATH
cd "$work"

fail() {
  echo "$*"
  cat log
  exit 1
}
# The blocks of one language, their limits shortened.
jobs_in() { blocks "$1" "$source/docs/ci.md" | sed -E 's/\b(30m|10m|60s)\b/1s/'; }
# limited NAME STATUS COMMAND...: it ends with the status.
limited() {
  local name=$1 wanted=$2 status=0 left
  shift 2
  env "$mark" "$@" >log 2>&1 </dev/null || status=$?
  ((status == wanted)) || fail "$name: status $status, not $wanted"
  grep -q 'look here first' log || fail "$name: does not say what hung"
  left=$(marked)
  [[ -z $left ]] || fail "$name: left behind: $left"
}

printf '%s\n' 'check:' '	setsid sleep 1000 & sleep 1000' >Makefile
mapfile -t jobs < <(jobs_in yaml | sed -nE 's/^ +- (run: )?(sigtimeout .*)/\2/p'
  jobs_in groovy | sed -nE "s/^ +sh '(.*)'$/\1/p")
((${#jobs[@]} == 3)) || fail "the page has ${#jobs[@]} jobs of GitHub, GitLab and Jenkins, not 3"
: >log
for job in "${jobs[@]}"; do
  rm -f hang.json
  limited "$job" 124 bash -ec "$job"
  [[ $(sed -n 's/.*"outcome": "\(.*\)".*/\1/p' hang.json) == timed_out ]] || fail "$job: $(<hang.json)"
done

mkdir with-make with-ctest
{ jobs_in make; cat Makefile; } >with-make/Makefile
grep -q '^SHELL = sigtimeout' with-make/Makefile
limited make 2 make -C with-make check
grep -q 'Error 124' log || fail 'make: another error'

echo '#include <cstdlib>
#include <unistd.h>
int main() { if (std::system("setsid sleep 1000 &") == 0) pause(); }' >with-ctest/main.cpp
{
  printf '%s\n' 'cmake_minimum_required(VERSION 3.25)' 'project(example LANGUAGES CXX)' \
    'add_executable(server_test main.cpp)' 'enable_testing()'
  jobs_in cmake
} >with-ctest/CMakeLists.txt
cmake -S with-ctest -B with-ctest/build -DCMAKE_CXX_COMPILER="$compiler" >log
cmake --build with-ctest/build >log
limited ctest 8 ctest --test-dir with-ctest/build --output-on-failure
grep -q 'in pause' log || fail 'ctest: not in what it hung'
