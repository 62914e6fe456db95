#!/usr/bin/env bash
# Puts the model server and its stand-in model into $LMRUN_SETUP/venv: versions and hashes pinned.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv="${LMRUN_SETUP:-$PWD}/venv"

new_enough() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2> /dev/null
}

python=""
for candidate in python3 python3.14 python3.13 python3.12 python3.11 python3.10; do
  if new_enough "$candidate"; then
    python=$candidate
    break
  fi
done
if [ -z "$python" ]; then
  found=$(python3 --version 2>&1 || true)
  echo "Python 3.10 or newer is needed; python3 on the PATH is: ${found:-not there}" >&2
  exit 1
fi

if ! "$python" -m venv "$venv"; then
  echo "$python cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv" >&2
  exit 1
fi

export PIP_DISABLE_PIP_VERSION_CHECK=1
"$venv/bin/python" -m pip install --quiet --no-input --no-deps --only-binary :all: --require-hashes \
  --requirement "$here/requirements.txt"
"$venv/bin/python" "$here/check_model.py"
