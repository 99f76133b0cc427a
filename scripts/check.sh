#!/usr/bin/env bash
# What a reviewer would only say twice: formatting, lints, the rules of the house, licences.
source "$(dirname "$0")/shell.sh"

step "set-up" scripts/setup.sh test
step "format" cargo fmt --all --check
step "edge components" scripts/edge.sh
step "pages, with their types" scripts/web.sh
step "lints" cargo clippy --all-targets -- -D warnings
step "lints of what is made for WebAssembly" scripts/edge.sh lint
step "rules of the house and licences" cargo test -q -p tests --test tidy
