#!/usr/bin/env bash
# Every test, from a fresh clone. Ends with the sum of what passed and failed.
source "$(dirname "$0")/shell.sh"

# aside <command…>: where nothing else wants the processor.
aside() {
    if command -v chrt >/dev/null; then exec chrt --idle 0 nice -n 19 "$@"; else exec nice -n 19 "$@"; fi
}

step "set-up" scripts/setup.sh test
find_tools
# Most tests leave the processor idle for half of their time. Viceroy is built then; tests/hosts, near the end, waits for
# it. Where everything is proven in one go the lints of what is made for WebAssembly come after it: `make check` finds
# their work done.
mkdir -p target
aside scripts/setup.sh viceroy </dev/null >target/viceroy.log 2>&1 &
behind=$!
trap 'kill $behind 2>/dev/null || true' EXIT
scripts/build.sh tests
if [ -n "${CI:-}" ]; then
    aside bash -c 'scripts/setup.sh viceroy; scripts/edge.sh lint' </dev/null >target/lints.log 2>&1 &
    behind="$behind $!"
fi

# Property tests draw the same cases on every run here; `cargo test` alone draws others each time.
export PROPTEST_RNG_SEED=${PROPTEST_RNG_SEED:-2026}
# run <log> <what it does> <command…>
run() {
    local log=$1 what=$2 started=$SECONDS
    shift 2
    say "→ $what"
    # A test must not wait for a keyboard. One that hangs ends this run and not the machine's patience: cargo says which
    # one it was.
    if timeout --kill-after=30s 50m "$@" </dev/null 2>&1 | tee -a "$log"; then
        say "✓ $what ($((SECONDS - started)) s)"
    else
        say "✗ $what ($((SECONDS - started)) s)"
        return 1
    fi
}

# What is promised of time is shown with the machine to itself: a browser that decodes beside an encoder fills two cores,
# and what the lanes below run beside it would make its picture stand.
alone="the_demo_plays_twenty_seconds_without_a_stall_close_behind_the_clock"
failed=0
: >target/first.log
: >target/second.log
run target/first.log "Rust tests: the demo in a browser" cargo test --test browser -- --exact "$alone" || failed=1

# Two lanes, since most tests wait for a clock more than for a processor. In the second is what minds its neighbours
# least; what it says is shown when it is through.
second="bucket cache cluster conformance edge_node faults hosts upload"
second_lane() {
    local failed=0
    run target/second.log "page tests" env NO_COLOR=1 npm --prefix web run --silent test || failed=1
    # shellcheck disable=SC2046 # a list of flags
    run target/second.log "Rust tests: $second" cargo test --no-fail-fast $(printf -- '--test %s ' $second) || failed=1
    return $failed
}
first_lane() {
    local host
    host=$(rustc -vV | sed -n 's/^host: //p')
    run target/first.log "Rust tests, all others" cargo test --no-fail-fast --config \
        "target.$host.runner = ['$PWD/scripts/unless.sh', $(printf "'%s', " $second)'--']" \
        -- --skip "$alone"
}

second_lane >target/second.said 2>&1 &
beside=$!
trap 'kill $behind $beside 2>/dev/null || true' EXIT
first_lane || failed=1
wait $beside || failed=1
cat target/second.said

# cargo: `test result: ok. 5 passed; 0 failed; …`; vitest: `Tests  1 failed | 7 passed (8)`.
awk '
    /^test result:/ { passed += $4; wrong += $6 }
    /^ *Tests +.*\([0-9]+\)$/ { for (i = 2; i <= NF; i++) { if ($i == "passed") passed += $(i-1); if ($i == "failed") wrong += $(i-1) } }
    END { printf "%d passed, %d failed\n", passed, wrong; exit wrong > 0 }' target/first.log target/second.log || failed=1
exit $failed
