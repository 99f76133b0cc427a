#!/usr/bin/env bash
# What a reviewer would only say twice: formatting, lints, the rules of the house, licences.
#
source "$(dirname "$0")/shell.sh"

lints() {
    if [ "${RUSTC_WORKSPACE_WRAPPER:-}" = clippy-driver ]; then
        step "lints" nothing_was_said
    else
        # In a folder of its own: what clippy makes of a dependency is no use to the compiler.
        step "lints" cargo clippy --target-dir target/lint --all-targets -- -D warnings
    fi
    step "lints of what is made for WebAssembly" scripts/edge.sh lint
}

# All was built by clippy's compiler (.ci/run): cargo says again what was said of it.
nothing_was_said() {
    local said
    said=$(cargo build --all-targets 2>&1) || { printf '%s\n' "$said" >&2; return 1; }
    ! grep -qE '^(warning|error)' <<<"$said" || { printf '%s\n' "$said" >&2; return 1; }
}

step "set-up" scripts/setup.sh test
find_tools
step "format" cargo fmt --all --check
step "edge components" scripts/edge.sh
step "pages, with their types" scripts/web.sh
lints
# Without `-p tests`: with it the features of what tests need are others, and all of it would be built once more.
step "rules of the house and licences" cargo test -q --test tidy
