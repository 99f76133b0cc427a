#!/usr/bin/env bash
# Everything a fresh machine lacks to build and test Matinee. Does nothing, quickly, where nothing is missing.
#
#   scripts/setup.sh [demo|test|viceroy]
#
# `demo` leaves out what only the tests need: Chromium, Pebble, PostgreSQL, S3 servers. `viceroy` is Fastly's local host alone, which takes some
# minutes to build: `make test` begins it beside its own build, and tests/hosts waits for it.
#
# Debian 12/13 and Ubuntu: packages by apt, through sudo unless root. macOS: Homebrew. Needs git, a C compiler, rustup.
source "$(dirname "$0")/shell.sh"

what=${1:-test}
for_tests=no
case $what in
    test) for_tests=yes ;;
    demo | viceroy) ;;
    *) die "usage: scripts/setup.sh [demo|test|viceroy]" ;;
esac

rust_minor_min=95
viceroy=0.22.0
moto=5.2.5
s3rver=3.7.1

# --- system packages -------------------------------------------------------------------------------------------------

libraries="libavcodec-dev libavformat-dev libavfilter-dev libavutil-dev libswscale-dev libswresample-dev"
# procps: the tests send signals and look for processes by `kill` and `ps`.
debian_build="pkg-config clang libclang-dev ca-certificates ffmpeg procps $libraries"
# Viewers of the tests, certificates for them; a server of databases, which tests start themselves; what installs a
# server of S3; publishers that are not ffmpeg.
debian_tests="curl openssl postgresql python3-venv gstreamer1.0-tools gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
# Debian's compiler for WebAssembly, where rustup cannot fetch its targets.
debian_wasm="rustc-web cargo-web rust-web-src wasi-libc lld-22 clang-22"

# Shows what a command said only if it fails.
quietly() {
    local said
    said=$(mktemp)
    "$@" </dev/null >"$said" 2>&1 || { tail -n 40 "$said" >&2; rm "$said"; return 1; }
    rm "$said"
}

can_be_root() {
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null
}

apt_updated=no
apt_update() {
    # A repository of others that is down must not stop us: what is missing fails at its installation.
    [ $apt_updated = yes ] || quietly as_root apt-get -qq update || true
    apt_updated=yes
}

apt_install() {
    can_be_root || die "as root, run: apt-get install --no-install-recommends $*"
    apt_update
    # RUNLEVEL: what is installed is not started (PostgreSQL); tests start their own.
    quietly as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq install -y --no-install-recommends "$@"
}

# Whether there is a package of this name.
has_package() {
    apt-cache show "$1" >/dev/null 2>&1 && return
    apt_update
    apt-cache show "$1" >/dev/null 2>&1
}

apt_missing() {
    local package
    for package in "$@"; do
        case $installed in *" $package "*) ;; *) echo "$package" ;; esac
    done
}

system_debian() {
    local missing
    installed=" $(dpkg-query -W -f '${binary:Package} ${db:Status-Status}\n' |
        sed -n 's/^\([^: ]*\)[^ ]* installed$/\1/p' | tr '\n' ' ')"
    [ $for_tests = no ] || debian_build="$debian_build $debian_tests"
    missing=$(apt_missing $debian_build)
    # shellcheck disable=SC2086 # a list of names
    [ -z "$missing" ] || step "system packages: $(echo $missing)" apt_install $missing
    command -v npm >/dev/null || step "Node.js" apt_install nodejs npm
}

system_macos() {
    command -v brew >/dev/null || die "install Homebrew first: https://brew.sh"
    local formula formulas="pkg-config ffmpeg llvm node"
    [ $for_tests = no ] || formulas="$formulas gstreamer"
    for formula in $formulas; do
        brew list --versions "$formula" >/dev/null || step "Homebrew: $formula" brew install "$formula"
    done
}

# FFmpeg 5.1, the first with AVChannelLayout, brought libavcodec 59.37.
ffmpeg_is_new_enough() {
    pkg-config --atleast-version=59.37 libavcodec
}

ffmpeg_version() {
    echo "libavcodec $(pkg-config --modversion libavcodec 2>/dev/null || echo "missing")"
}

# --- Rust and its targets --------------------------------------------------------------------------------------------

rust_is_new_enough() {
    local minor
    minor=$(rustc --version 2>/dev/null | sed -n 's/^rustc 1\.\([0-9]*\)\..*/\1/p')
    [ "${minor:-0}" -ge $rust_minor_min ]
}

rust() {
    command -v rustup >/dev/null || command -v rustc >/dev/null || die "install rustup first: https://rustup.rs"
    rust_is_new_enough || {
        command -v rustup >/dev/null || die "Rust 1.$rust_minor_min or later is needed: install rustup"
        step "Rust" rustup toolchain install stable --profile minimal -c rustfmt -c clippy
        rust_is_new_enough || die "Rust 1.$rust_minor_min or later is needed: rustup default stable"
    }
}

has_target() {
    [ -n "$(ls "$sysroot/lib/rustlib/$1/lib" 2>/dev/null)" ]
}

wasm_targets() {
    sysroot=$(rustc --print sysroot)
    local target missing=""
    for target in wasm32-wasip1 wasm32-wasip2; do
        has_target $target || missing="$missing $target"
    done
    [ -n "$missing" ] || return 0
    local limit=""
    # A filtered network may never answer. macOS has no `timeout`.
    command -v timeout >/dev/null && limit="timeout 300"
    # shellcheck disable=SC2086 # lists of words
    if command -v rustup >/dev/null && $limit rustup target add $missing >&2; then return; fi
    command -v apt-get >/dev/null || die "cannot get the targets$missing: rustup target add$missing"
    say "rustup cannot fetch$missing: Debian's compiler is used instead"
    # shellcheck disable=SC2086
    [ -z "$(apt_missing $debian_wasm)" ] || apt_install $debian_wasm
    # scripts/check.sh says what it cannot lint without.
    [ $for_tests = no ] || [ -x /usr/bin/cargo-clippy ] || ! has_package rust-web-clippy ||
        apt_install rust-web-clippy
}

# --- Node.js and its packages ----------------------------------------------------------------------------------------

# Vite asks for 20.19 or 22.12; Debian 12 and Ubuntu 24.04 ship 18.
node_is_new_enough() {
    node -e 'const [a, b] = process.versions.node.split(".").map(Number);
        process.exit((a === 20 && b >= 19) || (a === 22 && b >= 12) || a > 22 ? 0 : 1)' 2>/dev/null
}

newer_node() {
    quietly npm install --no-audit --no-fund --prefix "$MATINEE_TOOLS/node-22" node@22 || return
    export PATH="$MATINEE_TOOLS/node-22/node_modules/node/bin:$PATH"
    node_is_new_enough
}

# npm_packages <folder>: as its lock file says, unless they are there.
npm_packages() {
    local stamp="$1/node_modules/.installed-from"
    cmp -s "$1/package-lock.json" "$stamp" && return
    step "npm packages of $1" npm_ci "$1"
    cp "$1/package-lock.json" "$stamp"
}

npm_ci() {
    (cd "$1" && quietly npm ci --no-audit --no-fund)
}

# --- What only the tests need ----------------------------------------------------------------------------------------

has_browser() {
    local name
    for name in chromium chromium-browser google-chrome; do
        # Ubuntu's chromium-browser is a script that asks for a snap.
        command -v $name >/dev/null && $name --version >/dev/null 2>&1 && return
    done
    [ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ]
}

browser() {
    [ -n "${MATINEE_CHROMIUM:-}" ] && return
    has_browser && return
    if grep -qs '^ID=debian' /etc/os-release; then
        step "Chromium" apt_install chromium fonts-dejavu-core
    elif [ "$(uname -s)" = Linux ]; then
        # Ubuntu has Chromium as a snap only, which servers and containers lack; npm ships one that needs no desktop.
        [ -x "$MATINEE_NPM_CHROMIUM/chromium" ] || step "Chromium, by npm" npm_browser
    else
        die "install Chromium or Google Chrome, or name one in MATINEE_CHROMIUM"
    fi
}

npm_browser() {
    ! command -v apt-get >/dev/null || apt_install libnss3 libnspr4 fonts-dejavu-core
    quietly npm install --no-audit --no-fund --prefix "$MATINEE_NPM_CHROMIUM" @sparticuz/chromium@147.0.0 || return
    # It unpacks itself into the directory for temporary files.
    (cd "$MATINEE_NPM_CHROMIUM" && TMPDIR="$MATINEE_NPM_CHROMIUM" node --input-type=module -e \
        'import chromium from "@sparticuz/chromium"; await chromium.executablePath()')
    [ -x "$MATINEE_NPM_CHROMIUM/chromium" ]
}

# Pebble, an authority that gives certificates to tests. The one test that wants it says so where it is missing.
acme_authority() {
    command -v pebble >/dev/null && command -v pebble-challtestsrv >/dev/null && return
    local why=""
    if ! command -v apt-get >/dev/null; then why="it is looked for on Debian and Ubuntu only"
    elif ! can_be_root; then why="as root, run: apt-get install --no-install-recommends pebble"
    elif ! has_package pebble; then why="this system has no package of it"
    elif ! apt_install pebble; then why="its package cannot be installed"
    fi
    [ -z "$why" ] || say "no Pebble, and so no test of ACME: $why"
}

# Two S3 servers that know nothing of each other, of which tests start their own.
s3_servers() {
    local root="$MATINEE_TOOLS/moto-$moto"
    [ -x "$root/bin/moto_server" ] || step "moto $moto, an S3 server" moto_install "$root"
    root="$MATINEE_TOOLS/s3rver-$s3rver"
    [ -x "$root/node_modules/.bin/s3rver" ] || step "s3rver $s3rver, another" quietly \
        npm install --no-audit --no-fund --prefix "$root" "s3rver@$s3rver"
}

# The server is an extra of a package that brings all of Amazon's others: what S3 needs of it is named.
moto_install() {
    quietly python3 -m venv --clear "$1" &&
        quietly "$1/bin/pip" install --disable-pip-version-check "moto[s3]==$moto" flask==3.1.3 flask-cors==6.0.5
}

# Fastly's local host. Of two who install it at once the second waits, and finds it done.
viceroy() {
    local root="$MATINEE_TOOLS/viceroy-$viceroy"
    [ -x "$root/bin/viceroy" ] && return
    step "Viceroy $viceroy, once per machine (some minutes)" viceroy_install "$root"
}

viceroy_install() {
    # macOS has no flock; there the second's copy fails, if it comes to that.
    if command -v flock >/dev/null; then
        exec 9>"$MATINEE_TOOLS/viceroy.lock"
        flock 9
        [ ! -x "$1/bin/viceroy" ] || return 0
    fi
    # What cargo is told by whoever runs the tests is not meant for this one.
    env -u CARGO_INCREMENTAL -u RUSTFLAGS -u RUSTC_WORKSPACE_WRAPPER CARGO_TARGET_DIR="$MATINEE_TOOLS/viceroy-build" \
        CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
        cargo install --quiet --locked --root "$1" "viceroy@$viceroy" </dev/null &&
        rm -rf "$MATINEE_TOOLS/viceroy-build"
}

# --- A client of tus in Python, which the tests upload with ----------------------------------------------------------

tuspy() {
    local at="$MATINEE_TOOLS/tuspy"
    "$at/bin/python" -c "import tusclient" 2>/dev/null || step "tuspy" tuspy_into "$at"
}

tuspy_into() {
    # Debian's Python has no venv of its own.
    python3 -c "import ensurepip" 2>/dev/null || ! command -v apt-get >/dev/null || apt_install python3-venv
    python3 -m venv "$1" && quietly "$1/bin/pip" install --disable-pip-version-check tuspy==1.1.0
}

# ---------------------------------------------------------------------------------------------------------------------

mkdir -p "$MATINEE_TOOLS"
if [ $what = viceroy ]; then
    viceroy
    exit
fi
if [ "$(uname -s)" = Darwin ]; then
    system_macos
elif command -v apt-get >/dev/null; then
    system_debian
else
    say "no apt and no Homebrew here: FFmpeg's libraries, ffmpeg, clang, Node.js and Chromium must be installed already"
fi
command -v cc >/dev/null || die "a C compiler is needed: apt-get install gcc"
ffmpeg_is_new_enough || die "FFmpeg 5.1 or later is needed (Debian 12, Ubuntu 24.04), here is $(ffmpeg_version)"
rust
wasm_targets
node_is_new_enough || step "Node.js 22 (the system's is too old)" newer_node
npm_packages web
if [ $for_tests = yes ]; then
    [ ! -f tests/browser/package-lock.json ] || npm_packages tests/browser
    browser
    tuspy
    acme_authority
    s3_servers
fi
