#!/usr/bin/env bash
# jail.sh WALLS SANDBOXED USER HOMES SEE STAGE COMMAND…: what apart.sh runs as root, in namespaces or not. Runs COMMAND in a
# copy of STAGE as the number USER, which has no account, no group and no way to other rights. HOMES and SEE: by colons.
# In namespaces there is no process, no network and no socket but its own; homes and temporary folders are empty, all
# else is read-only, and what is written is memory, with a limit. Where they cannot be had, files of others, their
# processes and rights are out of reach, and the network, if possible.
# Ends, with everything that was started in it, when its input ends.
set -euo pipefail
umask 022
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

walls=$1 sandboxed=$2 user=$3 homes=$4 stage=$6
IFS=: read -r -a see <<< "$5"
shift 6
FREE_MIB=1024 ROOM_FILES=200000 FILE_MIB=256 PROCESSES=2048
box=/run/lmrun

fail() { printf 'apart: %s\n' "$*" >&2 && exit 3; }

build_namespaces() {
  local mounts number size
  # Else the mounts below were the machine's own.
  [ $$ = 1 ] || fail "this is not the first process of a namespace"
  mounts=$(cut -d ' ' -f 5 /proc/self/mountinfo)
  size=$((FREE_MIB + 2 * $(du -sm "$stage" | cut -f 1)))
  # Sockets in /run lead to services, so to the network.
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir -p "$box"/{stage,room,see}
  mount --bind "$stage" "$box/stage"
  for number in "${!see[@]}"; do bind "${see[number]}" "$box/see/$number"; done
  mount -t tmpfs -o "size=${size}m,nr_inodes=$ROOM_FILES,mode=700" tmpfs "$box/room"
  read_only "$mounts"
  hide
  for number in "${!see[@]}"; do bind "$box/see/$number" "${see[number]}"; done
  ip link set lo up 2> /dev/null || true
  stage=$box/stage
}

build_user() {
  box=$(mktemp -d /tmp/lmrun-apart.XXXXXX)
  trap 'rm -rf "$box"' EXIT
  chmod 755 "$box"
  mkdir "$box/room"
  # What others may enter, that user may: answers and credentials lie in there.
  local folder
  while read -r folder; do
    if [ "$folder" != / ] && [ -d "$folder" ]; then chmod o-rwx "$folder"; fi
  done <<< "${homes//:/$'\n'}"
  close_network
}

# Of a file or a folder; what it is mounted on is made.
bind() {
  if [ -e "$2" ] && [ "$2" -ef "$1" ]; then return; fi
  if [ -d "$1" ]; then mkdir -p "$2"; else mkdir -p "$(dirname "$2")" && : > "$2"; fi
  mount --bind "$1" "$2"
}

# Nothing of the machine can be written; a few mounts that the kernel keeps to itself refuse the change.
read_only() {
  local point
  while read -r point; do
    mount -o remount,bind,ro "$(printf %b "$point")" 2> /dev/null || true
  done <<< "$1"
}

hide() {
  local folder folders
  IFS=: read -r -a folders <<< "$homes:/home:/root:$(dirname "$stage")"
  for folder in "${folders[@]}"; do
    if [ "$folder" != / ] && [ -d "$folder" ]; then mount -t tmpfs -o mode=755 tmpfs "$folder"; fi
  done
  for folder in /tmp /var/tmp /dev/shm; do
    if [ -d "$folder" ]; then mount -t tmpfs -o "size=${FREE_MIB}m,nr_inodes=$ROOM_FILES,mode=1777" tmpfs "$folder"; fi
  done
  mount -t proc proc /proc
}

as_user() {
  case "$walls" in
    # Another user namespace: the rights that this one has over its mounts end there.
    own) unshare --user --map-user="$user" --map-group="$user" setpriv --no-new-privs "$@" ;;
    *) setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs "$@" ;;
  esac
}

# A namespace of the user's own, where this machine lets users have one, else the machine's firewall.
no_network=()
close_network() {
  no_network=(unshare --user --map-current-user --net)
  if as_user "${no_network[@]}" true 2> /dev/null; then return; fi
  no_network=()
  if refuse iptables && refuse ip6tables; then return; fi
  [ "$sandboxed" = yes ] || fail "this machine cannot keep code that a model wrote off the network"
  echo "apart: the network cannot be closed here: the sandbox alone keeps code off it" >&2
}

refuse() {
  "$1" -C OUTPUT -m owner --uid-owner "$user" -j REJECT 2> /dev/null ||
    "$1" -I OUTPUT -m owner --uid-owner "$user" -j REJECT 2> /dev/null
}

furnish() {
  cp -R "$stage/." "$box/room"
  [ "$walls" = own ] || chown -R "$user:$user" "$box/room"
  chmod 700 "$box/room"
}

# When memory is short this goes first, and not what asks other models.
# shellcheck disable=SC2016 # expanded by the shell that it is for
START='umask 077; echo 1000 > /proc/self/oom_score_adj; cd "$1"; shift; exec "$@"'

run() {
  as_user "${no_network[@]}" env -i HOME="$box/room" TMPDIR="$box/room" PATH=/usr/local/bin:/usr/bin:/bin \
    LANG=C.UTF-8 nice -n 10 sh -c "$START" sh "$box/room" "$@"
}

# The kernel takes all of them at once: none forks away. It would take those of the machine, were this not the user.
end_all() {
  # shellcheck disable=SC2016 # expanded by the shell that it is for
  case "$walls" in
    user) as_user bash -c '[ "$UID" = "$1" ] && kill -KILL -1' bash "$user" || true ;;
    *) kill -KILL -1 || true ;;
  esac
} 2> /dev/null

# Nobody is left to change what is found; links and files of other names stay behind.
bring_back() {
  cd "$box/room"
  rm -rf "$stage/data"
  find . -type f \( -path ./grade.json -o -path './data/*/ground_truth_judgment.jsonl' \) \
    -exec cp --parents -t "$stage" {} +
  chown -R --reference="$stage" "$stage"
}

case "$walls" in
  user) build_user ;;
  *) build_namespaces ;;
esac
furnish
prlimit --pid $$ --nproc="$PROCESSES" --fsize="$((FILE_MIB << 20))" --core=0
{ read -r _ || end_all; } <&0 &
watch=$!
code=0
run "$@" < /dev/null || code=$?
# Whoever asked is gone, and so may be the stage.
kill "$watch" 2> /dev/null || exit 130
end_all
bring_back
exit "$code"
