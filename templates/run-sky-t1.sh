#!/usr/bin/env bash
# Serves Sky-T1-32B-Preview as the service sky-t1. Options go to `sky launch`: ./run-sky-t1.sh -i 30 --down
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
exec sky launch -c sky-t1 model-server.yaml \
  --env MODEL=NovaSky-AI/Sky-T1-32B-Preview \
  --env VERSION=1e3f4c62a30c7ce70f4b3a3b952895d866943551 \
  "$@"
