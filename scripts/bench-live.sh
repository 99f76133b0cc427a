#!/usr/bin/env bash
# The live origin in figures: the table of docs/bench-live.md.
#
#   scripts/bench-live.sh [--only start|latency|ladder|publishers|crowd] [--seconds N] [--viewers N] [--publishers N] [--keep DIR]
#
# Installs ffmpeg and nginx with its RTMP module where they are missing (Debian, Ubuntu). Takes about four minutes after
# the build; the machine should do nothing else.
source "$(dirname "$0")/shell.sh"

command -v apt-get >/dev/null || die "the bench compares with Debian's nginx: run it on Debian or Ubuntu"
missing=""
for package in ffmpeg nginx libnginx-mod-rtmp; do
    dpkg-query -W -f '${db:Status-Status}' $package 2>/dev/null | grep -q '^installed' || missing="$missing $package"
done
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
if [ -n "$missing" ]; then
    # Installed, not started: the bench has an nginx of its own.
    # shellcheck disable=SC2086 # a list of names
    step "packages:$missing" as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get -qq install -y --no-install-recommends $missing >/dev/null
fi

step "edge components" scripts/edge.sh own
step "pages" scripts/web.sh
step "the binary and the bench" cargo build --quiet --release --bin matinee --bench live
# A viewer's request that waits has a connection of its own.
ulimit -n "$(ulimit -Hn)" || true
say "load average: $(cut -d ' ' -f 1-3 /proc/loadavg 2>/dev/null || uptime)"
exec cargo bench --quiet --profile release --bench live -- "$@"
