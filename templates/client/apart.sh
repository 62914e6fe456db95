#!/usr/bin/env bash
# apart.sh STAGE NAME COMMAND…: runs COMMAND, niced, in a copy of the folder STAGE, as a user that is NAME's alone: without
# our variables, without network, out of sight of other processes, which end with it. What it left is in STAGE afterwards.
# apart.sh --check: whether this machine can do that. Lines that begin with "apart: " say what is missing.
set -euo pipefail

root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# `apart`: a user and namespaces of its own; `filtered`: a user of its own, whom the host's firewall lets nowhere;
# `unnamed`: namespaces that need no root, as this user; `none`.
way() {
  if root true 2> /dev/null && command -v useradd runuser > /dev/null; then
    if root unshare --net --pid --fork --mount-proc true 2> /dev/null; then
      echo apart
      return
    elif root iptables -S OUTPUT > /dev/null 2>&1 && root ip6tables -S OUTPUT > /dev/null 2>&1; then
      echo filtered
      return
    fi
  fi
  if unshare --map-root-user --net --pid --fork --mount-proc true 2> /dev/null; then echo unnamed; else echo none; fi
}

# Ends with us: a shell alone would leave it behind.
child() {
  local pid code=0
  "$@" < /dev/null &
  pid=$!
  trap 'kill "$pid" 2> /dev/null' TERM INT HUP
  wait "$pid" || code=$?
  if kill -0 "$pid" 2> /dev/null; then wait "$pid" || code=$?; fi
  trap - TERM INT HUP
  return "$code"
}

close_network() {
  local tables
  for tables in iptables ip6tables; do
    root "$tables" -C OUTPUT -m owner --uid-owner "$user" ! -o lo -j REJECT 2> /dev/null ||
      root "$tables" -I OUTPUT -m owner --uid-owner "$user" ! -o lo -j REJECT
  done
}

as_user() {
  local work=$base/$user code=0
  id "$user" > /dev/null 2>&1 || root useradd --system --no-create-home --shell /usr/sbin/nologin "$user"
  root mkdir -p "$base" && root chmod 755 "$base"
  root rm -rf "$work"
  root cp -RP "$stage" "$work"
  root chown -R "$user" "$work"
  root chmod 700 "$work"
  if [ "$way" = apart ]; then
    child root unshare "${spaces[@]}" "${loopback[@]}" \
      runuser -u "$user" -- "${clean[@]}" HOME="$work" TMPDIR="$work" "${start[@]}" "$work" "$@" || code=$?
  else
    close_network
    child root runuser -u "$user" -- "${clean[@]}" HOME="$work" TMPDIR="$work" "${start[@]}" "$work" "$@" || code=$?
    root pkill -KILL -u "$user" || true
  fi
  rm -rf "$stage"
  root cp -RP "$work" "$stage"
  root chown -R "$(id -u):$(id -g)" "$stage"
  root rm -rf "$work"
  return "$code"
}

as_ourselves() {
  echo "apart: no root by sudo -n, so there is no user of its own: what is run could read this user's files" >&2
  child unshare --map-root-user "${spaces[@]}" "${loopback[@]}" \
    "${clean[@]}" HOME="$stage" TMPDIR="$stage" "${start[@]}" "$stage" "$@"
}

way=$(way)
if [ "$way" = none ]; then
  echo "apart: this machine gives neither root (sudo -n, useradd, runuser) nor user namespaces, and so cannot run code that a model wrote apart from the network" >&2
  exit 3
fi
if [ "$1" = --check ]; then exit 0; fi

stage=$1 name=$2
shift 2
base=${LMRUN_GRADE_DIR:-/opt/lmrun-grade}
# useradd takes 32 characters of a small alphabet.
user=lmrun-$(printf %s "$name" | cksum | cut -d ' ' -f 1)
clean=(env -i PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8)
spaces=(--net --pid --fork --kill-child --mount-proc)
# shellcheck disable=SC2016 # expanded by the shells that they are for
{
  loopback=(sh -c 'ip link set lo up 2> /dev/null; exec "$@"' sh)
  start=(nice -n 10 sh -c 'umask 077; cd "$1" && shift && exec "$@"' sh)
}
if [ "$way" = unnamed ]; then as_ourselves "$@"; else as_user "$@"; fi
