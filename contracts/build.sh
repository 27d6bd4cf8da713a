#!/usr/bin/env bash
# Rebuilds the committed .wasm of every contract, and of the tests' modules of real compilers, byte for byte.
#
#   contracts/build.sh           rebuild in place
#   contracts/build.sh --check   rebuild aside and fail when a byte differs
#
# Needs Debian 12 for Rust (its packages fix the compiler), Python 3 with pip for Zig and C (one pinned package has
# both compilers) and npm for AssemblyScript. Compilers are kept in target/tools (or $ZVM_TOOLS); missing Debian
# packages are installed when run as root. Nothing but the listed versions is used, whatever the PATH has.
set -euo pipefail
cd "$(dirname "$0")"

ZIG_VERSION=0.17.0
RUSTC_VERSION=1.63.0
ASC_VERSION=0.28.20

export ZVM_TOOLS="${ZVM_TOOLS:-$PWD/../target/tools}"
mkdir -p "$ZVM_TOOLS"
ZVM_TOOLS=$(cd "$ZVM_TOOLS" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The compilers by the names that the build scripts of the examples use.
bin="$work/bin"
mkdir "$bin"
export ZIG_LOCAL_CACHE_DIR="$work/zig-local" ZIG_GLOBAL_CACHE_DIR="$work/zig-global"

# Networks fail now and then.
again() {
    "$@" || { sleep 3; "$@"; } || { sleep 10; "$@"; }
}

# debian COMMAND PACKAGE…: installs the packages if the command is missing.
debian() {
    local command=$1
    shift
    command -v "$command" >/dev/null && return
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "missing: $command; Debian 12's packages are $*" >&2
        exit 1
    fi
    again apt-get update -qq
    again apt-get install -qq -y --no-install-recommends "$@" >/dev/null
}

install_rust() {
    # Debian's own, never rustup's.
    local packages=(rustc cargo libstd-rust-dev-wasm32 lld)
    for command in /usr/bin/rustc /usr/bin/cargo /usr/bin/wasm-ld; do
        debian "$command" "${packages[@]}"
    done
    [ -d /usr/lib/rustlib/wasm32-unknown-unknown ] || debian "wasm32 for rustc" "${packages[@]}"
    case "$(/usr/bin/rustc --version)" in
        "rustc $RUSTC_VERSION"*) ;;
        *) echo "warning: this is $(/usr/bin/rustc --version), the modules were built with $RUSTC_VERSION" >&2 ;;
    esac
    ln -s /usr/bin/rustc "$bin/rustc"
}

install_zig() {
    local at="$ZVM_TOOLS/ziglang-$ZIG_VERSION"
    if [ ! -x "$at/ziglang/zig" ]; then
        debian python3 python3 python3-pip
        rm -rf "$at"
        again python3 -m pip install --quiet --root-user-action=ignore --target "$at" "ziglang==$ZIG_VERSION"
    fi
    ln -s "$at/ziglang/zig" "$bin/zig"
}

install_asc() {
    local at="$ZVM_TOOLS/assemblyscript-$ASC_VERSION"
    if [ ! -x "$at/node_modules/.bin/asc" ]; then
        debian npm nodejs npm
        rm -rf "$at"
        mkdir "$at"
        again npm install --silent --no-audit --no-fund --no-save --prefix "$at" "assemblyscript@$ASC_VERSION"
    fi
    ln -s "$at/node_modules/.bin/asc" "$bin/asc"
}

build_token() {
    # Settings for other versions of cargo stay out.
    (cd token && env -i HOME="$HOME" PATH=/usr/bin:/bin RUSTC=/usr/bin/rustc CARGO_TARGET_DIR="$work/token" \
        /usr/bin/cargo build --locked --quiet --release --target wasm32-unknown-unknown)
    cp "$work/token/wasm32-unknown-unknown/release/token.wasm" "$1"
}

build_counter() {
    "$bin/zig" build-exe counter/counter.zig -target wasm32-freestanding -O ReleaseSmall \
        -fno-entry --export=init --export=invoke --export=query --stack 65536 -femit-bin="$1"
}

# An example has its commands in its build.sh, as docs/write-a-contract.md shows them.
build_example() {
    cp -R "examples/$1" "$work/$1"
    rm -f "$work/$1/tally.wasm"
    (cd "$work/$1" && PATH="$bin:$PATH" sh -e build.sh)
    mv "$work/$1/tally.wasm" "$2"
}

install_rust
install_zig
install_asc

failed=0
# done_with BUILT COMMITTED
done_with() {
    local same=
    if [ "${mode:-}" = --check ]; then
        cmp "$1" "$2" || { failed=1; same="  differs"; }
    else
        install -m 644 "$1" "$2"
    fi
    printf '%-36s %6d bytes  sha256 %s%s\n' "$2" "$(wc -c <"$1")" "$(sha256sum "$1" | cut -d' ' -f1)" "$same"
}

mode=${1:-}
build_token "$work/token.wasm"
done_with "$work/token.wasm" token/token.wasm
build_counter "$work/counter.wasm"
done_with "$work/counter.wasm" counter/counter.wasm
for language in c zig rust assemblyscript; do
    build_example "$language" "$work/$language.wasm"
    done_with "$work/$language.wasm" "examples/$language/tally.wasm"
done
../spec-tests/tests/toolchains/build.sh $mode || failed=1
exit "$failed"
