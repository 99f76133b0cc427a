#!/usr/bin/env bash
# From a fresh clone to a link that plays a live picture. Arguments go to `matinee up --demo`.
source "$(dirname "$0")/shell.sh"

step "set-up" scripts/setup.sh demo
find_tools
scripts/build.sh release
exec target/release/matinee up --demo "$@"
