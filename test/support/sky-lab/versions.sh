# shellcheck shell=bash
# What the lab is made of, and where that is kept between runs: outside of the repository and of the lab.
export SKYPILOT=0.14.1
export UV=0.13.9
export VENV=${XDG_CACHE_HOME:-$HOME/.cache}/lmrun-tests/skypilot-slurm-$SKYPILOT
