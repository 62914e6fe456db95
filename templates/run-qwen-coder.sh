#!/usr/bin/env bash
# Serves Qwen2.5-Coder-32B-Instruct as the service qwen-coder. Options go to `sky launch`: ./run-qwen-coder.sh -i 30 --down
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
exec sky launch -c qwen-coder model-server.yaml \
  --env MODEL=Qwen/Qwen2.5-Coder-32B-Instruct \
  --env VERSION=b47205940b83b5b484577359f71ee7b88472df67 \
  "$@"
