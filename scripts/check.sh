#!/usr/bin/env bash
# What a reviewer would only say twice: formatting, lints, the rules of the house, licences.
#
#   scripts/check.sh [all|lints]     `lints` is only clippy, which needs what `make` builds
source "$(dirname "$0")/shell.sh"

# In a folder of its own: neither waits for the other's lock where tests run meanwhile.
lints() {
    step "lints" cargo clippy --target-dir target/lint --all-targets -- -D warnings
    step "lints of what is made for WebAssembly" scripts/edge.sh lint
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
lints
# Without `-p tests`: with it the features of what tests need are others, and all of it would be built once more.
step "rules of the house and licences" cargo test -q --test tidy
