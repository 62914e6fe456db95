#!/usr/bin/env bash
# The main job on this machine, with no account: two model servers and a client are launched, LiveBench-style smoke
# questions are asked and graded, the result is reported, and everything is torn down.
set -euo pipefail
cd "$(dirname "$0")/.."

# Whether what npm installed is what package-lock.json says; optional packages may be missing on this platform.
in_step() {
  [[ -x node_modules/.bin/node && -f node_modules/.package-lock.json ]] &&
    node_modules/.bin/node --input-type=module --eval '
      import { readFileSync } from "node:fs"
      const packages = file => Object.entries(JSON.parse(readFileSync(file, "utf8")).packages)
      const have = new Map(packages("node_modules/.package-lock.json"))
      const missing = ([name, { version, optional }]) => name && !optional && have.get(name)?.version !== version
      process.exitCode = packages("package-lock.json").some(missing) ? 1 : 0'
}

if ! in_step; then
  echo "Installing dependencies…"
  # Not with the node of the very folder that npm is about to replace.
  PATH=${PATH//"$PWD/node_modules/.bin:"/} npm ci --no-fund --no-audit
fi

status=0
# Nothing is read from stdin: a server that did would be stopped when the demo runs in the background.
node_modules/.bin/node dist/cli/index.js bench \
  --models "{qwen-coder: Qwen/Qwen2.5-Coder-32B-Instruct, sky-t1: NovaSky-AI/Sky-T1-32B-Preview}" \
  --infra local \
  --questions smoke \
  --max-tokens 64 \
  --comment never \
  --output-directory lmrun-out </dev/null || status=$?

for file in lmrun-out/{report.md,report.html,results.json}; do
  if [[ -f $file ]]; then
    echo "$file"
  else
    echo "$file is missing" >&2
    [[ $status -ne 0 ]] || status=1
  fi
done
exit "$status"
