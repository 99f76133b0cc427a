#!/usr/bin/env bash
# Builds all there is: edge components, pages, and the binary that embeds both.
#
#   scripts/build.sh [debug|release|production|tests]
source "$(dirname "$0")/shell.sh"

what=${1:-debug}
# Waits for what is built beside the rest, and shows why it failed if it did.
beside_is_built() {
    wait "$beside" || { tail -n 60 target/edge.log >&2; return 1; }
}

if [ "$what" = tests ]; then
    # One component is within the binary; the tests' others are built beside it, where it leaves a processor idle.
    step "edge component" scripts/edge.sh own
    mkdir -p target
    { scripts/edge.sh && scripts/edge.sh hostile; } </dev/null >target/edge.log 2>&1 &
    beside=$!
else
    step "edge components" scripts/edge.sh
fi
step "pages" scripts/web.sh
case $what in
    debug) step "the binary" cargo build -p matinee ;;
    release) step "the binary" cargo build --release -p matinee ;;
    production) step "the binary" cargo build --profile production -p matinee ;;
    tests)
        # With the tests' targets in one go, so that no dependency is built twice with different features.
        step "binary and tests" cargo build --all-targets
        step "the tests' edge components" beside_is_built
        ;;
    *) die "usage: scripts/build.sh [debug|release|production|tests]" ;;
esac
