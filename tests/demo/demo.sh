#!/usr/bin/env bash
# The main job, seen side by side: a CI job that hangs, limited by timeout(1) and by sigtimeout, which is
# found along PATH.
set -euo pipefail
cd "$(dirname "$0")/../.."

echo '# A test suite starts a server, and then hangs: tests/demo/suite'
for limiter in 'timeout 1' 'sigtimeout --tree --diagnose --report report.json 1'; do
  printf '\n$ tests/demo/ci-job %s\n' "$limiter"
  # shellcheck disable=SC2086 # words
  tests/demo/ci-job $limiter 2>&1
done
