# shellcheck shell=sh
# For k3s_server and k3s_agent, to be sourced: `node` is a Node that runs them. Comes along in dist/node.
# shellcheck disable=SC2154 # `here` is whose sources this

if [ "$(id -u)" != 0 ]; then
  echo "lmrun: a VM joins as root: sudo -E $0 $*" >&2
  exit 1
fi
# The user's own, with its join file and credentials; some sudos have it so already.
if [ -n "${SUDO_USER:-}" ] && [ "${HOME:-/root}" = /root ]; then
  HOME=$(getent passwd "$SUDO_USER" | cut -d: -f6)
  export HOME
fi
# shellcheck disable=SC2034 # for whose sources this
node=$(sh "$here/lmrun-node/node.sh" /usr/local/lib/lmrun/node 24)/node
