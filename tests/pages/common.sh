# shellcheck shell=bash
# Sourced by the tests of the pages: a scratch folder, $work; processes that are told by $mark in their
# environment; blocks of a page. At the end the folder and the processes go, and also_end is called.
work=$(mktemp -d)
mark=SIGKIT_PAGES=$$.$RANDOM
marked() { grep -lzxF -- "$mark" /proc/[0-9]*/environ 2>/dev/null | tr -dc '0-9\n' || true; }
also_end() { :; }
end() {
  local pids
  also_end
  mapfile -t pids < <(marked)
  ((${#pids[@]} == 0)) || kill -KILL "${pids[@]}" 2>/dev/null || true
  rm -rf "$work"
}
trap end EXIT

# blocks LANGUAGE PAGE
blocks() { awk -v fence="\`\`\`$1" '/^```/ { shown = !shown && $0 == fence; next } shown' "$2"; }
