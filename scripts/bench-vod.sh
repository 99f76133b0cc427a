#!/usr/bin/env bash
# Films from uploads in figures: the table of docs/bench-vod.md.
#
#   scripts/bench-vod.sh [--only transcode|workers|first|upload|memory] [--film-s N] [--pair-s N] [--long-s N] [--upload-mib N] [--large-mib N] [--keep DIR]
#
# Installs ffmpeg, nginx and curl where they are missing (Debian, Ubuntu). Takes about a quarter of an hour after the build and 40 GB of
# disk for a while; the machine should do nothing else.
source "$(dirname "$0")/shell.sh"

peers ffmpeg nginx curl
# PostgreSQL and an S3 server, which workers share.
step "set-up" scripts/setup.sh test
find_tools
step "edge components" scripts/edge.sh own
step "pages" scripts/web.sh
step "the binary and the bench" cargo build --quiet --release --bin matinee --bench vod
say "load average: $(cut -d ' ' -f 1-3 /proc/loadavg 2>/dev/null || uptime)"
exec cargo bench --quiet --profile release --bench vod -- "$@"
