#!/usr/bin/env bash
# apart.sh [--sandboxed] [--see PATH]… STAGE NAME COMMAND…: runs COMMAND, niced, in a copy of the folder STAGE, behind the
# walls of jail.sh: without our variables and files, without network, out of sight of other processes, and with it ends
# all that it started. PATHs can be read there. Judgments and grade.json that it left are in STAGE afterwards.
# apart.sh [--sandboxed] --check: prints which walls this machine gives; lines that begin with "apart: " say what is missing.
#   namespaces  all of jail.sh's walls, and a user that is NAME's alone
#   user        such a user, as in a pod, where root may make no namespaces
#   own         namespaces of a user who is not root and may not become it: all walls, but as this user
#   none        is refused, with exit code 3, unless COMMAND has a sandbox of its own (--sandboxed)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

sandboxed=no see=()
while case "${1-}" in --sandboxed | --see) true ;; *) false ;; esac; do
  if [ "$1" = --see ]; then see+=("$2") && shift 2; else sandboxed=yes && shift; fi
done

spaces=(unshare --mount --net --pid --ipc --fork --kill-child)
root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

walls() {
  if root "${spaces[@]}" --mount-proc true 2> /dev/null; then
    echo namespaces
  elif root setpriv --reuid 65519 --regid 65519 --clear-groups true 2> /dev/null; then
    echo user
  elif "${spaces[@]}" --user --map-root-user --mount-proc true 2> /dev/null; then
    echo own
  else
    echo none
  fi
}

say() { printf 'apart: %s\n' "$*" >&2; }

walls=$(walls)
case "$walls" in
  user) say "root may make no namespaces here: what is run is apart by its user alone" ;;
  own) say "no root by sudo -n, so there is no user of its own; namespaces hide this user's files all the same" ;;
  none)
    say "this machine gives neither root (sudo -n) nor namespaces, so code that a model wrote is not apart from this user's files"
    [ "$sandboxed" = yes ] || exit 3
    ;;
esac
if [ "${1-}" = --check ]; then
  echo "$walls"
  exit 0
fi

stage=$1 name=$2
shift 2
if [ "$walls" = none ]; then
  cd "$stage"
  exec env -i HOME="$stage" TMPDIR="$stage" PATH="$PATH" LANG=C.UTF-8 nice -n 10 "$@"
fi

# Of the numbers that systemd keeps for users that exist as long as a process: no account is made, and none is left.
user=$((61184 + $(printf %s "$name" | cksum | cut -d ' ' -f 1) % 4336))
[ "$walls" != own ] || user=$(id -u)
# Where answers and credentials lie; HOME may be another folder than the account's.
homes=$HOME:$(getent passwd "$(id -u)" | cut -d : -f 6)
jail=(bash "$here/jail.sh" "$walls" "$sandboxed" "$user" "$homes" "$(IFS=: && echo "${see[*]-}")" "$stage" "$@")

# Its input ends with this script, however that ends, and with its input ends the jail.
input() { exec tail --pid=$$ -f /dev/null 2> /dev/null; }
case "$walls" in
  namespaces) root "${spaces[@]}" "${jail[@]}" < <(input) ;;
  user) root "${jail[@]}" < <(input) ;;
  own) "${spaces[@]}" --user --map-root-user "${jail[@]}" < <(input) ;;
esac
