#!/usr/bin/env bash
# up.sh FOLDER REPOSITORY NODE [SUDO.deb]: as root, as the first process of namespaces of its own: makes them a machine
# with this one's files, whose changes are memory: users, packages, files, processes and network addresses go with it.
# What the tests need of the repository is in /repository, for everybody, wherever the repository lies.
# Prints its process's number, as the machine around knows it, and stays until its input ends.
set -euo pipefail
folder=$1 repository=$2 node=$3 deb=${4:-}

read -r outside _ < /proc/self/stat
mount -t tmpfs tmpfs "$folder"
mkdir "$folder"/{changes,work,root}
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/changes,workdir=$folder/work" "$folder/root"
cd "$repository"
mkdir -p "$folder/root/repository"
cp -r --parents action.yml package.json dist/cli questions templates test/support/machine "$folder/root/repository"
cd "$folder/root"
chmod -R a+rX repository
[ -z "$deb" ] || cp "$deb" sudo.deb
mkdir -p old
mount --rbind /dev dev
for place in dev/shm run tmp; do mount -t tmpfs -o mode=1777 tmpfs "$place"; done
mount -t proc proc proc
mount -t sysfs sysfs sys
mkdir -p usr/local/bin
rm -f usr/local/bin/node
: > usr/local/bin/node
mount --bind "$node" usr/local/bin/node
pivot_root . old
umount -l /old

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
chmod 755 /run
[ -z "$deb" ] || DEBIAN_FRONTEND=noninteractive dpkg --force-unsafe-io -i /sudo.deb > /dev/null
useradd --create-home --shell /bin/bash vm
# As on images where users can look into each other's homes.
chmod 755 /home/vm
echo 'vm ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/vm
ip link set lo up
ip address add 169.254.169.254/32 dev lo
ip -6 address add fd00:ec2::254/128 dev lo nodad
printf '127.0.0.1 localhost %s\n169.254.169.254 metadata.google.internal\n' "$(uname -n)" > /etc/hosts
echo "$outside"
read -r _ || true
