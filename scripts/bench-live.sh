#!/usr/bin/env bash
# The live origin in figures: the table of docs/bench-live.md.
#
#   scripts/bench-live.sh [--only start|latency|glass|ladder|publishers|crowd|window|soak] [--seconds N] [--viewers N] [--publishers N] [--keep DIR]
#
# Installs ffmpeg and nginx with its RTMP module where they are missing (Debian, Ubuntu). Takes about thirteen minutes after
# the build; the machine should do nothing else.
source "$(dirname "$0")/shell.sh"

peers ffmpeg nginx libnginx-mod-rtmp
# Chromium and what drives it.
step "set-up" scripts/setup.sh test
find_tools
step "edge components" scripts/edge.sh own
step "pages" scripts/web.sh
step "the binary and the bench" cargo build --quiet --release --bin matinee --bench live
# A viewer's request that waits has a connection of its own.
ulimit -n "$(ulimit -Hn)" || true
say "load average: $(cut -d ' ' -f 1-3 /proc/loadavg 2>/dev/null || uptime)"
exec cargo bench --quiet --profile release --bench live -- "$@"
