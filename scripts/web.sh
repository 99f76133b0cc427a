#!/usr/bin/env bash
# Builds the pages into web/dist, which the binary embeds; not if nothing changed since.
source "$(dirname "$0")/shell.sh"

stamp=target/web.built
if [ -f web/dist/index.html ] && [ -f $stamp ] &&
    [ -z "$(find web -name node_modules -prune -o -path web/dist -prune -o -type f -newer $stamp -print | head -n 1)" ]; then
    exit 0
fi
mkdir -p target
(cd web && npm run --silent check && npm run --silent build) >&2
touch $stamp
