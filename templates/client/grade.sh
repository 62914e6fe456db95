#!/usr/bin/env bash
# grade.sh MODEL QUESTIONS ARGS…: `lmrun grade ARGS` over one model's answers, niced, as a user and in a folder of its
# own: what the model wrote can read neither other models' files nor this user's, nor the cloud's metadata.
# Without passwordless sudo it runs as this user, and says so. Judgments come back to data/ of the working folder.
set -euo pipefail

model=$1 questions=$2
shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
package=${LMRUN_PACKAGE:-$HOME/.lmrun/package}
node=$("$here/node.sh" "$HOME/.lmrun/node")/node
base=${LMRUN_GRADE_DIR:-/opt/lmrun-grade}
# One for each model: useradd takes 32 characters of a small alphabet.
user=lmrun-$(printf %s "$model" | cksum | cut -d ' ' -f 1)

own_user() {
  sudo -n true 2> /dev/null && command -v useradd > /dev/null && {
    id "$user" > /dev/null 2>&1 || sudo -n useradd --system --no-create-home --shell /usr/sbin/nologin "$user"
  } && sudo -n -u "$user" true
}

# Owned by root: what is graded cannot change what grades it.
share() {
  sudo -n mkdir -p "$base" && sudo -n chmod 755 "$base"
  if [ ! -e "$base/tools/done" ]; then
    sudo -n mkdir -p "$base/tools"
    sudo -n cp -RL "$package" "$base/tools/package"
    sudo -n cp "$node" "$base/tools/node"
    sudo -n chmod -R a+rX,go-w "$base/tools"
    sudo -n touch "$base/tools/done"
  fi
}

close_metadata() {
  local address tables
  for address in 169.254.169.254 fd00:ec2::254; do
    tables=iptables
    case "$address" in *:*) tables=ip6tables ;; esac
    sudo -n "$tables" -C OUTPUT -m owner --uid-owner "$user" -d "$address" -j REJECT 2> /dev/null ||
      sudo -n "$tables" -I OUTPUT -m owner --uid-owner "$user" -d "$address" -j REJECT 2> /dev/null ||
      echo "grade: $address is not closed to $user by $tables; the sandbox alone keeps code off the network" >&2
  done
}

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

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
collect "$stage"
asked=$questions
[ "$questions" = smoke ] || asked=questions

code=0
if own_user; then
  share
  close_metadata
  work=$base/$user
  sudo -n rm -rf "$work"
  sudo -n cp -R "$stage" "$work"
  sudo -n chown -R "$user" "$work"
  sudo -n chmod 700 "$work"
  sudo -n -u "$user" env -i HOME="$work" PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 TMPDIR="$work" \
    nice -n 10 sh -c 'umask 077; cd "$1" && shift && exec "$@"' sh "$work" \
    "$base/tools/node" "$base/tools/package/dist/cli/index.js" grade "$@" --questions "$asked" || code=$?
  rm -rf "$stage"
  sudo -n cp -RP "$work" "$stage"
  sudo -n chown -R "$(id -u):$(id -g)" "$stage"
  sudo -n rm -rf "$work"
else
  echo "grade: no passwordless sudo, so grading has no user of its own; the sandbox alone keeps code apart" >&2
  (cd "$stage" && exec env -i HOME="$stage" PATH="$PATH" LANG=C.UTF-8 \
    nice -n 10 "$node" "$package/dist/cli/index.js" grade "$@" --questions "$asked") || code=$?
fi
python3 "$here/merge.py" "$stage" . "$model"
if [ -f "$stage/grade.json" ] && [ ! -L "$stage/grade.json" ]; then cp "$stage/grade.json" .; fi
exit "$code"
