# Sourced by the other scripts: strict mode, the repository as working directory, where built tools are kept, and steps
# that say what they do and how long it took. For bash 3.2 (macOS) and later.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Tools that are built or fetched once per machine live outside the tree, so that a clean clone finds them.
export MATINEE_TOOLS=${MATINEE_TOOLS:-$HOME/.cache/matinee/tools}
MATINEE_NPM_CHROMIUM=$MATINEE_TOOLS/chromium-147

# What set-up has put outside the system's own paths. Whoever runs set-up looks again afterwards.
find_tools() {
    local path
    # A Node.js of ours, where the system's is too old; rustup's programs, for shells that were opened before it was
    # installed.
    for path in "$HOME/.cargo/bin" "$MATINEE_TOOLS/node-22/node_modules/node/bin"; do
        [ ! -d "$path" ] || case ":$PATH:" in
            *":$path:"*) ;;
            *) export PATH="$path:$PATH" ;;
        esac
    done
    # A Chromium from npm, where the system has none.
    [ -n "${MATINEE_CHROMIUM:-}" ] || [ ! -x "$MATINEE_NPM_CHROMIUM/chromium" ] ||
        export MATINEE_CHROMIUM="$MATINEE_NPM_CHROMIUM/chromium"
}
find_tools

say() { echo "matinee: $*" >&2; }
die() { say "$*"; exit 1; }

# step <what it does> <command…>
step() {
    local what=$1 started=$SECONDS
    shift
    say "→ $what"
    "$@" || die "✗ $what (after $((SECONDS - started)) s)"
    say "✓ $what ($((SECONDS - started)) s)"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# peers <package…>: what a bench compares with, from Debian. Installed, not started: a bench starts its own.
peers() {
    command -v apt-get >/dev/null || die "the bench compares with Debian's nginx: run it on Debian or Ubuntu"
    local package missing=""
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -q '^installed' || missing="$missing $package"
    done
    # shellcheck disable=SC2086 # a list of names
    [ -z "$missing" ] || step "packages:$missing" as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get -qq install -y --no-install-recommends $missing >/dev/null
}
