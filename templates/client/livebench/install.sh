#!/usr/bin/env bash
# install.sh REPOSITORY COMMIT: LiveBench at that commit, and two environments for it side by side: a small one that asks,
# and a full one that grades, with what the coding grader needs besides. All is below ~/.lmrun/livebench, which is a link
# to /opt where there is root: whoever grades must be able to read it. What is done is not done again.
set -euo pipefail

repository=$1 commit=$2
home=$HOME/.lmrun/livebench

root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

make_home() {
  local place=${LMRUN_LIVEBENCH_DIR:-/opt/lmrun-livebench}
  [ ! -e "$home" ] || return 0
  mkdir -p "$(dirname "$home")"
  if root true 2> /dev/null; then
    root mkdir -p "$place"
    root chown "$(id -u):$(id -g)" "$place"
    chmod 755 "$place"
    ln -s "$place" "$home"
  else
    mkdir "$home"
  fi
}

# The commit's own hash says that it is what was pinned, wherever it came from.
check_out() {
  local found
  if [ "$(git -C "$home/checkout" rev-parse HEAD 2> /dev/null)" != "$commit" ]; then
    rm -rf "$home/checkout"
    git init --quiet "$home/checkout"
    git -C "$home/checkout" remote add origin "$repository"
    git -C "$home/checkout" fetch --quiet --depth 1 origin "$commit"
    git -C "$home/checkout" checkout --quiet --detach FETCH_HEAD
  fi
  found=$(git -C "$home/checkout" rev-parse HEAD)
  if [ "$found" != "$commit" ] || [ -n "$(git -C "$home/checkout" status --porcelain --untracked-files=no)" ]; then
    echo "the checkout of $repository is at $found, or changed: it must be $commit" >&2
    exit 1
  fi
}

find_uv() {
  PATH=$PATH:$HOME/.local/bin
  if command -v uv > /dev/null; then return; fi
  python3 -m venv "$home/tools"
  "$home/tools/bin/pip" install --quiet --disable-pip-version-check uv==0.13.9
  PATH=$PATH:$home/tools/bin
}

# environment NAME COMMAND…: makes NAME, unless it is whole already.
environment() {
  local name=$1
  shift
  if [ "$(cat "$home/$name/whole" 2> /dev/null)" = "$commit" ]; then return; fi
  rm -rf "${home:?}/$name"
  # A Python of its own: the machine's may be one that others cannot read, or one that is too new.
  uv venv --quiet --python 3.11 --python-preference only-managed "$home/$name"
  "$@"
  echo "$commit" > "$home/$name/whole"
}

add() {
  uv pip install --quiet --python "$home/$1/bin/python" "${@:2}"
}

# What gen_api_answer.py and the loader of questions import; the rest is 1.4 GB.
asks() {
  add answers openai httpx tenacity shortuuid tqdm rich python-dotenv pyyaml numpy dataclasses-json unidiff platformdirs \
    datasets
}

# Without the coding grader's own requirements right code scores 0. Grading has no network: what it would fetch is
# fetched here.
grades() {
  local python=$home/grading/bin/python texts=$home/grading/nltk_data part
  add grading -r "$home/checkout/pyproject.toml" pip
  add grading -r "$home/checkout/livebench/code_runner/requirements_eval.txt"
  "$python" -m spacy download en_core_web_sm > /dev/null
  "$python" -m nltk.downloader -q -d "$texts" \
    punkt punkt_tab stopwords averaged_perceptron_tagger averaged_perceptron_tagger_eng
  # It exits with 0 whatever it could fetch.
  for part in tokenizers/punkt_tab corpora/stopwords taggers/averaged_perceptron_tagger_eng; do
    if [ ! -e "$texts/$part" ] && [ ! -e "$texts/$part.zip" ]; then
      echo "nltk could not fetch $part, which LiveBench's graders need" >&2
      return 1
    fi
  done
}

make_home
export UV_PYTHON_INSTALL_DIR=$home/python UV_LINK_MODE=copy
# LiveBench leaves versions open; two runs with other ones are not the same benchmark.
export UV_EXCLUDE_NEWER=${UV_EXCLUDE_NEWER:-2026-11-24T00:00:00Z}
check_out
find_uv
environment grading grades &
grading=$!
environment answers asks
if ! wait "$grading"; then
  echo "LiveBench's grading environment could not be installed" >&2
  exit 1
fi
git -C "$home/checkout" log -1 --format='LiveBench %H of %cs'
