#!/usr/bin/env bash
# Ends a lab: everything that runs in it, by pid, its user and its folder.
#   LAB=FOLDER USER_NAME=NAME down.sh
set -uo pipefail
: "${LAB:?the folder of the lab}" "${USER_NAME:?the user that the lab made}"

# Processes of the lab's user, and those that have the lab in their environment (its daemons, `sky` and API servers) or
# work in it (what API servers leave when they are killed).
members() {
  local file pid uid
  uid=$(id -u "$USER_NAME" 2>/dev/null || echo none)
  for file in /proc/[0-9]*; do
    pid=${file#/proc/}
    [[ " $$ $BASHPID $PPID " != *" $pid "* ]] || continue
    if [[ $(stat -c %u "$file" 2>/dev/null) == "$uid" || $(readlink "$file/cwd") == "$LAB"/* ]] ||
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
mapfile -t left < <(members)
for round in TERM TERM KILL KILL; do
  [[ ${#left[@]} -gt 0 ]] || break
  signal "$round" "${left[@]}"
  sleep 1
  mapfile -t left < <(members)
done
signal KILL "${daemons[@]}"
# What SkyPilot keeps in /tmp, whatever TMPDIR says.
if id -u "$USER_NAME" >/dev/null 2>&1; then find /tmp -maxdepth 1 -user "$USER_NAME" -exec rm -rf {} +; fi
hash=$(cat "$LAB/etc/user_hash" 2>/dev/null)
[[ ! $hash =~ ^[0-9a-f]{8}$ ]] || rm -rf "/tmp/sky_ssh_$hash"
userdel "$USER_NAME" 2>/dev/null
# Only what is a lab: it has our mark.
[[ ! -d $LAB/vm || ! -d $LAB/spool/ctld ]] || rm -rf "$LAB"
[[ ${#left[@]} -eq 0 && ! -d $LAB ]] && exit
echo "lab: still there: $(ls -d "$LAB" 2>/dev/null) ${left[*]}" >&2
exit 1
