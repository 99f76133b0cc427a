#!/usr/bin/env bash
# What a reviewer would only say twice: formatting, lints, the rules of the house, licences.
source "$(dirname "$0")/shell.sh"

step "set-up" scripts/setup.sh test
step "format" cargo fmt --all --check
step "edge components" scripts/edge.sh
step "pages, with their types" scripts/web.sh
step "lints" cargo clippy --all-targets -- -D warnings
# The programs for WebAssembly hosts are linted for their targets; Debian's fallback compiler brings no clippy.
if [ -n "$(ls "$(rustc --print sysroot)/lib/rustlib/wasm32-wasip1/lib" 2>/dev/null)" ]; then
    step "lints of edge/fastly" cargo clippy -p edge-fastly --target wasm32-wasip1 --target-dir target/wasm -- -D warnings
    step "lints of edge/spin and edge/wasmtime/guest" cargo clippy -p edge-spin -p edge-wasmtime-guest --target wasm32-wasip2 \
        --target-dir target/wasm -- -D warnings
fi
step "rules of the house and licences" cargo test -q -p tests --test tidy
