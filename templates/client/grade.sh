#!/usr/bin/env bash
# grade.sh MODEL QUESTIONS ARGS…: `lmrun grade ARGS` over one model's answers, niced, as a user and in a folder of its
# own, without a network: see apart.sh. What the model wrote can read neither other models' files nor this user's; where
# a wall is missing, lmrun's own sandbox still holds it. Judgments come back to data/ of the working folder.
set -euo pipefail

model=$1 questions=$2
shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
package=${LMRUN_PACKAGE:-$HOME/.lmrun/package}
node=$("$here/node.sh" "$HOME/.lmrun/node")/node
tools=${LMRUN_GRADE_DIR:-/opt/lmrun-grade}

# Only this model's answers go along, and its judgments, to go on from.
collect() {
  local to=$1 name file
  name=$(printf %s "$model" | tr '[:upper:]' '[:lower:]')
  find data/live_bench -path "*/model_answer/$name.jsonl" | while read -r file; do
    mkdir -p "$to/$(dirname "$file")"
    cp "$file" "$to/$file"
  done
  python3 "$here/merge.py" . "$to" "$model"
  if [ "$questions" != smoke ]; then cp -RL "$questions" "$to/questions"; fi
}

# Where another user can reach them, owned by root: what is graded cannot change what grades it.
share() {
  if [ ! -e "$tools/done" ]; then
    root mkdir -p "$tools"
    root cp -RL "$package" "$tools/package"
    root cp -L "$node" "$tools/node"
    root chmod -R a+rX,go-w "$tools"
    root touch "$tools/done"
  fi
  package=$tools/package node=$tools/node
}
root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
collect "$stage"
asked=$questions
[ "$questions" = smoke ] || asked=questions

if [ "$("$here/apart.sh" --sandboxed --check 2> /dev/null)" = user ]; then share; fi
# Those of a home may be for its owner alone; the machine's own are not ours to change, and need no change.
chmod -R a+rX "$package" "$node" 2> /dev/null || true
code=0
"$here/apart.sh" --sandboxed --see "$package" --see "$node" "$stage" "$model" \
  "$node" "$package/dist/cli/index.js" grade "$@" --questions "$asked" || code=$?
python3 "$here/merge.py" "$stage" . "$model"
if [ -f "$stage/grade.json" ] && [ ! -L "$stage/grade.json" ]; then cp "$stage/grade.json" .; fi
exit "$code"
