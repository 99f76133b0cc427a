#!/usr/bin/env bash
# Builds all there is: edge components, pages, and the binary that embeds both.
#
#   scripts/build.sh [debug|release|production|tests]
source "$(dirname "$0")/shell.sh"

step "edge components" scripts/edge.sh
step "pages" scripts/web.sh
case ${1:-debug} in
    debug) step "the binary" cargo build -p matinee ;;
    release) step "the binary" cargo build --release -p matinee ;;
    production) step "the binary" cargo build --profile production -p matinee ;;
    # With the tests' targets in one go, so that no dependency is built twice with different features.
    tests)
        step "the tests' hostile component" scripts/edge.sh hostile
        step "binary and tests" cargo build --all-targets
        ;;
    *) die "usage: scripts/build.sh [debug|release|production|tests]" ;;
esac
