#!/usr/bin/env bash
# Our edge beside nginx, one worker each: the table of docs/bench-edge.md.
#
#   scripts/bench-edge.sh [--rounds N] [--seconds N] [--only TEXT] [--keep DIR]
#
# Installs nginx with njs, wrk and h2load where they are missing (Debian, Ubuntu). Takes about eight minutes with its
# five rounds of three seconds; the servers run on the first core, the loads on the second.
source "$(dirname "$0")/shell.sh"

peers nginx libnginx-mod-http-js wrk nghttp2-client openssl
step "edge components" scripts/edge.sh own
step "what is checked, for WebAssembly" cargo build --quiet --profile edge --target wasm32-wasip2 \
    --target-dir target/wasm -p tests-bench-guest
step "the bench" cargo build --quiet --profile production -p edge-wasmtime -p tests-bench-guest -p tests --bench edge --bins

# The scheduler weighs sessions, not processes: ours may go before the others, where that is allowed.
echo -10 2>/dev/null >/proc/self/autogroup || true
say "load average: $(cut -d ' ' -f 1-3 /proc/loadavg 2>/dev/null || uptime)"
exec cargo bench --quiet --profile production -p edge-wasmtime -p tests-bench-guest -p tests --bench edge -- "$@"
