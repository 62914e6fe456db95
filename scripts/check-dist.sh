#!/usr/bin/env bash
# Rebuilds dist/ and fails when it is not what is committed, new files included.
set -euo pipefail
cd "$(dirname "$0")/.."

npm run --silent build
git diff --stat --exit-code -- dist || {
  echo "dist/ is not what src/ builds: run \"npm run build\" and commit dist/" >&2
  exit 1
}
untracked=$(git ls-files --others --exclude-standard -- dist)
if [[ -n $untracked ]]; then
  printf 'dist/ has files that are not committed: run "git add dist"\n%s\n' "$untracked" >&2
  exit 1
fi
