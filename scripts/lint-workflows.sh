#!/usr/bin/env bash
# Lints workflows, action.yml and shell scripts: `scripts/lint-workflows.sh [CHECK…]`, all checks by default.
set -euo pipefail
cd "$(dirname "$0")/.."

# All findings, no network: the same answer on every machine.
check_zizmor() { zizmor --quiet --offline --no-progress --strict-collection --persona pedantic .github action.yml sweep/action.yml; }
check_actionlint() { actionlint; }
check_documents() { node_modules/.bin/node scripts/lint-documents.mjs; }
check_action() { node_modules/.bin/node scripts/lint-action.mjs; }
check_shellcheck() { shell_scripts | xargs -0 shellcheck --external-sources; }

# Every tracked or new file whose name or first line says that it is a shell script.
shell_scripts() {
  git ls-files -z --cached --others --exclude-standard -- ':!dist' ':!test/fixtures' |
    while IFS= read -r -d '' file; do
      [[ -f $file ]] || continue
      if [[ $file == *.sh ]] || head -c 64 "$file" | head -n 1 | tr -d '\0' | grep -qE '^#!.*\b(ba|da|)sh\b'; then
        printf '%s\0' "$file"
      fi
    done
}

checks=("$@")
[[ $# -gt 0 ]] || checks=(actionlint shellcheck zizmor action documents)
for check in "${checks[@]}"; do
  declare -F "check_$check" >/dev/null || {
    echo "lint-workflows.sh: no check \"$check\"; there are actionlint, shellcheck, zizmor, action and documents" >&2
    exit 2
  }
done

# shellcheck source=scripts/tools.sh
source scripts/tools.sh

failed=0
for check in "${checks[@]}"; do
  echo "--- $check"
  "check_$check" || failed=1
done
exit "$failed"
