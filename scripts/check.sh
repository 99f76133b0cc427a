#!/usr/bin/env bash
# What a reviewer would only say twice: formatting, lints, the rules of the house, licences.
#
#   scripts/check.sh [all|lints]     `lints` is only clippy of what runs on this machine; it needs what `make` builds
source "$(dirname "$0")/shell.sh"

# In a folder of its own: neither waits for the other's lock where tests run meanwhile.
lints() {
    cargo clippy --target-dir target/lint --all-targets -- -D warnings
}

case ${1:-all} in
    all) ;;
    lints) lints; exit ;;
    *) die "usage: scripts/check.sh [all|lints]" ;;
esac
step "set-up" scripts/setup.sh test
step "format" cargo fmt --all --check
step "edge components" scripts/edge.sh
step "pages, with their types" scripts/web.sh
step "lints" lints
step "lints of what is made for WebAssembly" scripts/edge.sh lint
step "rules of the house and licences" cargo test -q -p tests --test tidy
