#!/usr/bin/env bash
# Brings up a cloud of one machine: a loopback Slurm and the real SkyPilot beside it, from a clean Debian as root.
# All state lies in LAB, all ports are free ones on 127.0.0.1, so labs can run side by side; down.sh ends it all.
#   LAB=FOLDER OWNER=PID up.sh
# A lab whose OWNER is gone is ended by the next lab that comes up.
set -euo pipefail
: "${LAB:?a new folder that all users may enter}" "${OWNER:?the process that the lab is for}"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=test/support/sky-lab/versions.sh
source "$here/versions.sh"
user=skylab$OWNER

packages() {
  local command missing=()
  for command in slurmctld slurmd munged sshd rsync ps curl setpriv; do
    PATH=$PATH:/usr/sbin:/sbin command -v "$command" >/dev/null || missing+=("$command")
  done
  python3 -c 'import ensurepip' 2>/dev/null || missing+=(ensurepip)
  [[ ${#missing[@]} -gt 0 ]] || return 0
  echo "lab: installing for ${missing[*]}"
  # RUNLEVEL=1: their daemons must not start by themselves.
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  apt-get -o DPkg::Lock::Timeout=120 update -qq
  apt-get -o DPkg::Lock::Timeout=120 install -y -qq --no-install-recommends slurm-wlm munge openssh-server \
    openssh-client rsync procps curl util-linux python3-venv git patch socat netcat-openbsd
}

# SkyPilot, once for all labs. The name of the folder is its content.
skypilot() {
  mkdir -p "$(dirname "$VENV")"
  exec 8>>"$VENV.lock"
  flock 8
  if [[ ! -e $VENV/complete ]]; then
    rm -rf "$VENV"
    python3 -m venv "$VENV"
    "$VENV/bin/pip" install -q --disable-pip-version-check "skypilot[slurm]==$SKYPILOT" "uv==$UV"
    touch "$VENV/complete"
  fi
  exec 8>&-
}

# Labs of owners that were killed: their user is what is left for sure.
leftovers() {
  local name home owner
  while IFS=: read -r name _ _ _ _ home _; do
    owner=${name#skylab}
    [[ $name == skylab* && $owner =~ ^[0-9]+$ ]] || continue
    ! kill -0 "$owner" 2>/dev/null || [[ $owner == "$OWNER" ]] || continue
    echo "lab: ending what process $owner left"
    LAB=$(dirname "$home") USER_NAME=$name bash "$here/down.sh"
  done < <(getent passwd)
}

# Three ports that were free a moment ago.
ports() {
  python3 - <<'PY'
import socket
sockets = [socket.socket() for _ in range(3)]
for s in sockets:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in sockets))
PY
}

folders() {
  chmod 755 "$LAB"
  mkdir -p "$LAB"/{bin,etc,slurm,log/munge,node,run/{munge,shutdown},spool/{ctld,d,munge},tmp,vm/.ssh}
  chmod 1777 "$LAB/tmp"
  head -c 4 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$LAB/etc/user_hash"
  useradd --no-create-home --home-dir "$LAB/vm" --shell /bin/bash --password '*' "$user"
}

# What a VM would download from three places, from packages instead, and two commands that are not for one machine.
node_commands() {
  cp "$(readlink -f "$VENV/bin/uv")" "$LAB/node/uv-real"
  cp "$here"/node/* "$LAB/node/"
  sed -i "s|@LAB@|$LAB|g" "$LAB/node/uv"
  chmod 755 "$LAB"/node/*
  # Node is what an image has: what the client fetches otherwise comes from npm.
  cp "$(node -p process.execPath)" "$LAB/node/node"
  # A login shell of Debian sets PATH anew.
  # shellcheck disable=SC2016 # expanded on the VM
  printf 'export PATH=%s/node:$PATH\n' "$LAB" | tee "$LAB/vm/.profile" "$LAB/vm/.bashrc" >"$LAB/vm/.bash_profile"
}

sshd_up() {
  local name variables=()
  ssh-keygen -q -t ed25519 -N '' -f "$LAB/slurm/id"
  ssh-keygen -q -t ed25519 -N '' -f "$LAB/etc/hostkey"
  cp "$LAB/slurm/id.pub" "$LAB/vm/.ssh/authorized_keys"
  chown -R "$user:" "$LAB/vm" "$LAB/run/shutdown"
  chmod 700 "$LAB/vm/.ssh"
  for name in $(compgen -e | grep -iE '^(pip_.*|uv_.*|ssl_cert_file|requests_ca_bundle|curl_ca_bundle|.*_proxy)$' || true); do
    variables+=("$name=\"${!name}\"")
  done
  cat >"$LAB/etc/sshd_config" <<CONF
ListenAddress 127.0.0.1
Port $SSH_PORT
HostKey $LAB/etc/hostkey
PidFile $LAB/run/sshd.pid
StrictModes no
UsePAM no
PasswordAuthentication no
AllowUsers $user
MaxSessions 200
MaxStartups 150:30:200
Subsystem sftp internal-sftp
SetEnv PATH="$LAB/node:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin" LAB="$LAB" TMPDIR="$LAB/tmp" SLURM_CONF="$LAB/etc/slurm.conf" ${variables[*]}
CONF
  mkdir -p /run/sshd
  /usr/sbin/sshd -f "$LAB/etc/sshd_config" -E "$LAB/log/sshd.log"
}

munge_up() {
  head -c 1024 /dev/urandom >"$LAB/etc/munge.key"
  chown -R munge: "$LAB"/{run,log,spool}/munge "$LAB/etc/munge.key"
  chmod 400 "$LAB/etc/munge.key"
  chmod 700 "$LAB"/{log,spool}/munge
  setpriv --reuid=munge --regid=munge --clear-groups /usr/sbin/munged --force \
    --key-file="$LAB/etc/munge.key" --socket="$LAB/run/munge/socket" --pid-file="$LAB/run/munge/munged.pid" \
    --log-file="$LAB/log/munge/munged.log" --seed-file="$LAB/spool/munge/seed"
}

slurm_up() {
  local host
  host=$(hostname -s)
  mkdir "$LAB/etc/gpus"
  touch "$LAB"/etc/gpus/nvidia{0..7}
  echo "NodeName=$host Name=gpu Type=H100 File=$LAB/etc/gpus/nvidia[0-7]" >"$LAB/etc/gres.conf"
  sed -e "s|@LAB@|$LAB|g; s|@HOST@|$host|g; s|@CTLD_PORT@|$CTLD_PORT|g; s|@SLURMD_PORT@|$SLURMD_PORT|g" \
    "$here/slurm.conf" >"$LAB/etc/slurm.conf"
  export SLURM_CONF=$LAB/etc/slurm.conf
  slurmctld -c
  waiting 'scontrol ping | grep -q UP' slurmctld
  slurmd
  waiting 'sinfo -h -o %t | grep -qE "^(idle|mix)"' slurmd
}

waiting() { # CONDITION NAME
  local i
  for ((i = 0; i < 150; i++)); do
    if bash -c "$1" 2>/dev/null; then return 0; fi
    sleep 0.2
  done
  echo "lab: $2 did not come up" >&2
  tail -20 "$LAB/log/$2.log" >&2
  return 1
}

client() {
  cat >"$LAB/slurm/config" <<CONF
Host lab
    HostName 127.0.0.1
    Port $SSH_PORT
    User $user
    IdentityFile $LAB/slurm/id
    IdentitiesOnly yes
CONF
  sed -e "s|@LAB@|$LAB|g; s|@VENV@|$VENV|g" "$here/sky" >"$LAB/bin/sky"
  # For what asks SkyPilot's library without its API server. A link would not find the library.
  printf '#!/bin/sh\nexec "%s/bin/python" "$@"\n' "$VENV" >"$LAB/bin/sky-python"
  chmod 755 "$LAB/bin/"*
  # Read by lab.ts: what all users of this lab have in the environment.
  cat >"$LAB/env" <<ENV
PATH=$LAB/bin:$PATH
TMPDIR=$LAB/tmp
SLURM_CONF=$LAB/etc/slurm.conf
SKYPILOT_DISABLE_USAGE_COLLECTION=1
ENV
}

[[ $(id -u) -eq 0 ]] || { echo "lab: needs root, for apt-get, sshd and slurmd" >&2; exit 1; }
command -v apt-get >/dev/null || { echo "lab: needs a Debian with apt-get" >&2; exit 1; }
packages
leftovers
skypilot
read -r SSH_PORT CTLD_PORT SLURMD_PORT < <(ports)
folders
node_commands
munge_up
sshd_up
slurm_up
client
echo "lab: up in $LAB"
