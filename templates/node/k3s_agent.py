#!/bin/sh
# The name that k3s_agent had first: not Python any more, the same command.
exec "$(dirname "$0")/k3s_agent" "$@"
