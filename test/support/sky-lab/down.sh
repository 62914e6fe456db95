#!/usr/bin/env bash
# Ends a lab: everything that runs in it, by pid, its user and its folder.
#   LAB=FOLDER USER_NAME=NAME down.sh
set -uo pipefail
: "${LAB:?the folder of the lab}" "${USER_NAME:?the user that the lab made}"

# Processes of the lab's user, and those that have the lab in their environment: its daemons, `sky` and API servers.
members() {
  local file pid uid
  uid=$(id -u "$USER_NAME" 2>/dev/null || echo none)
  for file in /proc/[0-9]*; do
    pid=${file#/proc/}
    [[ " $$ $BASHPID $PPID " != *" $pid "* ]] || continue
    if [[ $(stat -c %u "$file" 2>/dev/null) == "$uid" ]] ||
      tr '\0' '\n' 2>/dev/null <"$file/environ" | grep -qE "^(HOME|SLURM_CONF)=$LAB/"; then
      echo "$pid"
    fi
  done 2>/dev/null
}

signal() { # NAME PIDS…
  local name=$1
  shift
  [[ $# -eq 0 ]] || kill -s "$name" "$@" 2>/dev/null
}

daemons=()
for file in slurmd slurmctld sshd munge/munged; do
  [[ ! -s $LAB/run/$file.pid ]] || daemons+=("$(<"$LAB/run/$file.pid")")
done
# Slurm's and ssh's daemons first: they start others.
signal TERM "${daemons[@]}"
for round in TERM TERM KILL KILL; do
  mapfile -t left < <(members)
  [[ ${#left[@]} -gt 0 ]] || break
  signal "$round" "${left[@]}"
  sleep 1
done
signal KILL "${daemons[@]}"
userdel "$USER_NAME" 2>/dev/null
# Only what is a lab: it has our mark.
[[ ! -d $LAB/vm || ! -d $LAB/spool/ctld ]] || rm -rf "$LAB"
