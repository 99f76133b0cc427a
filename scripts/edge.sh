#!/usr/bin/env bash
# Builds the edge for WebAssembly: target/edge/decision.wasm, a component for our own host; target/edge/edge.wasm, a
# component for Spin, wasmtime and any host of WASI 0.3; target/edge/fastly.wasm, a module for Fastly Compute and Viceroy.
#
#   scripts/edge.sh [all|own|spin|fastly|hostile|lint]
#
# `hostile` is two components for the tests, target/edge/hostile*.wasm; `all` leaves them out. `lint` builds nothing: it
# runs clippy over all that is made for WebAssembly.
#
# rustup's targets are used where they can be had. Where they cannot (an offline or filtered network) Debian's compiler
# builds the same with its own copy of the standard library's source:
#   apt-get install --no-install-recommends rustc-web cargo-web rust-web-src wasi-libc lld-22
# MATINEE_WASM_TOOLCHAIN=rustup or =debian chooses one and does not look for the other.
set -euo pipefail
cd "$(dirname "$0")/.."

what=${1:-all}
out=target/edge
toolchain=${MATINEE_WASM_TOOLCHAIN:-auto}
# Debian's linkers carry their version in their name; the newest will do.
wasm_ld=$(ls /usr/bin/wasm-ld-* 2>/dev/null | sort -V | tail -n 1 || true)
wasm_ld=${wasm_ld:-$(command -v wasm-ld || true)}

say() { echo "edge: $*" >&2; }
die() { say "$*"; exit 1; }

has_rustup_target() {
    local sysroot
    sysroot=$(rustc --print sysroot 2>/dev/null) || return 1
    [ -n "$(ls "$sysroot/lib/rustlib/$1/lib" 2>/dev/null)" ]
}

get_rustup_target() {
    has_rustup_target "$1" && return
    command -v rustup >/dev/null || return 1
    say "adding the target $1"
    # A filtered network may swallow the request; macOS has no timeout.
    local patience=()
    if command -v timeout >/dev/null; then patience=(timeout 120); fi
    ${patience[@]+"${patience[@]}"} rustup target add "$1" >&2 && has_rustup_target "$1"
}

has_debian() {
    [ -x /usr/bin/rustc ] && [ -x /usr/bin/cargo ] && [ -n "$wasm_ld" ] &&
        [ -e /usr/lib/wasm32-wasi/crt1-reactor.o ] &&
        [ -d "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library" ]
}

# component-ld of rustup's own toolchain: Debian has none.
component_ld() {
    local host
    host=$(rustc -vV | sed -n 's/^host: //p')
    echo "$(rustc --print sysroot)/lib/rustlib/$host/bin/wasm-component-ld"
}

# rustup <package> <target>
with_rustup() {
    cargo build --profile edge --target "$2" --target-dir target/wasm -p "$1"
}

# debian <package> <kind> <linker> <flags…>: its target is always wasm32-wasip1; the linker makes a component or a
# module. What is of one kind shares what it is built from.
with_debian() {
    local package=$1 kind=$2 linker=$3
    shift 3
    env -u RUSTUP_TOOLCHAIN -u RUSTFLAGS -u RUSTC_WORKSPACE_WRAPPER -u CARGO \
        RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
        CARGO_TARGET_WASM32_WASIP1_LINKER="$linker" \
        CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS="-C link-self-contained=no -L native=/usr/lib/wasm32-wasi $*" \
        /usr/bin/cargo build -Zbuild-std=std,panic_abort --profile edge \
        --target wasm32-wasip1 --target-dir "target/wasm-debian/$kind" -p "$package"
}

# choose <target>: rustup or debian
choose() {
    case $toolchain in
        rustup) get_rustup_target "$1" || die "rustup has no target $1"; echo rustup ;;
        debian) has_debian || die "Debian's rustc-web, cargo-web, rust-web-src, wasi-libc or lld-22 is missing"; echo debian ;;
        auto)
            if get_rustup_target "$1"; then echo rustup
            elif has_debian; then say "rustup has no target $1: using Debian's compiler"; echo debian
            else die "neither rustup's target $1 nor Debian's rustc-web and its companions can be had"
            fi ;;
        *) die "MATINEE_WASM_TOOLCHAIN is auto, rustup or debian" ;;
    esac
}

# put <file> <name>: replaces the artefact only when it changed, and in one step.
put() {
    mkdir -p "$out"
    cmp -s "$1" "$out/$2" && return
    cp "$1" "$out/$2.new"
    mv "$out/$2.new" "$out/$2"
    say "$out/$2 ($(($(stat -c %s "$out/$2" 2>/dev/null || stat -f %z "$out/$2") / 1024)) kB)"
}

# build_component <package> <artefact>
build_component() {
    local package=$1 file=${1//-/_}.wasm by
    by=$(choose wasm32-wasip2)
    if [ "$by" = rustup ]; then
        with_rustup "$package" wasm32-wasip2
        put "target/wasm/wasm32-wasip2/edge/$file" "$2"
    else
        with_debian "$package" component "$(component_ld)" \
            -C link-arg=/usr/lib/wasm32-wasi/crt1-reactor.o -C linker-flavor=wasm-ld \
            -C link-arg=--wasm-ld-path -C "link-arg=$wasm_ld" \
            -C link-arg=--wasi-adapter -C link-arg=reactor
        put "target/wasm-debian/component/wasm32-wasip1/edge/$file" "$2"
    fi
}

build_own() { build_component edge-wasmtime-guest decision.wasm; }
build_spin() { build_component edge-spin edge.wasm; }
build_hostile() {
    build_component tests-edge_node-hostile hostile.wasm
    build_component tests-edge_node-hostile_decision hostile_decision.wasm
}

build_fastly() {
    local by
    by=$(choose wasm32-wasip1)
    if [ "$by" = rustup ]; then
        with_rustup edge-fastly wasm32-wasip1
        put target/wasm/wasm32-wasip1/edge/edge-fastly.wasm fastly.wasm
    else
        with_debian edge-fastly module "$wasm_ld" -C link-arg=/usr/lib/wasm32-wasi/crt1-command.o
        put target/wasm-debian/module/wasm32-wasip1/edge/edge-fastly.wasm fastly.wasm
    fi
}

# lint <target> <package…>: as it is built for that target; where no clippy can do that, as it is for this machine.
lint() {
    local target=$1 package packages=() by=none
    shift
    for package in "$@"; do packages+=(-p "$package"); done
    if [ "$toolchain" != debian ] && get_rustup_target "$target"; then by=rustup
    elif [ "$toolchain" != rustup ] && has_debian && [ -x /usr/bin/cargo-clippy ]; then by=debian
    fi
    case $by in
        rustup)
            # In the profile they are built with, whose macros are there already.
            cargo clippy --profile edge --target "$target" --target-dir target/wasm "${packages[@]}" -- -D warnings ;;
        debian)
            env -u RUSTUP_TOOLCHAIN -u RUSTFLAGS CARGO=/usr/bin/cargo RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
                /usr/bin/cargo-clippy clippy -Zbuild-std=std,panic_abort --target wasm32-wasip1 \
                --target-dir target/wasm-debian/lint "${packages[@]}" -- -D warnings ;;
        none)
            say "linted for this machine, not for $target: neither rustup's target nor Debian's rust-web-clippy is here:$(
                printf ' %s' "$@")"
            cargo clippy "${packages[@]}" -- -D warnings ;;
    esac
}

lint_all() {
    lint wasm32-wasip1 edge-fastly
    lint wasm32-wasip2 edge-wasmtime-guest edge-spin tests-bench-guest \
        tests-edge_node-hostile tests-edge_node-hostile_decision
}

case $what in
    own) build_own ;;
    spin) build_spin ;;
    fastly) build_fastly ;;
    hostile) build_hostile ;;
    all) build_own; build_spin; build_fastly ;;
    lint) lint_all ;;
    *) die "usage: scripts/edge.sh [all|own|spin|fastly|hostile|lint]" ;;
esac
