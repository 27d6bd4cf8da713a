#!/usr/bin/env bash
# Rebuilds the committed .wasm of every contract, byte for byte.
#
#   contracts/build.sh           rebuild in place
#   contracts/build.sh --check   rebuild aside and fail when a byte differs
#
# Needs Debian 12 for the Rust contract (its packages fix the compiler) and Python 3 with pip for
# the Zig one (the compiler comes as a pinned Python package). Missing packages are installed
# when run as root.
set -euo pipefail
cd "$(dirname "$0")"

ZIG_VERSION=0.17.0
RUSTC_VERSION=1.63.0
# Debian's own: another toolchain may come first on the PATH.
export RUSTC=/usr/bin/rustc
CARGO=/usr/bin/cargo

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

install_rust() {
    [ -x "$CARGO" ] && [ -d /usr/lib/rustlib/wasm32-unknown-unknown ] && [ -x /usr/bin/wasm-ld ] && return
    apt-get update -q
    apt-get install -qy --no-install-recommends rustc cargo libstd-rust-dev-wasm32 lld
}

install_zig() {
    # Kept between runs: the package is about 100 MB.
    local tools="${ZVM_TOOLS:-$PWD/../target/tools}/ziglang-$ZIG_VERSION"
    if [ ! -x "$tools/ziglang/zig" ]; then
        python3 -m pip install --quiet --root-user-action=ignore --target "$tools" "ziglang==$ZIG_VERSION"
    fi
    ZIG="$tools/ziglang/zig"
}

build_token() {
    install_rust
    case "$("$RUSTC" --version)" in
        "rustc $RUSTC_VERSION"*) ;;
        *) echo "warning: built with $("$RUSTC" --version), the committed module with $RUSTC_VERSION" >&2 ;;
    esac
    (cd token && env -u RUSTFLAGS CARGO_TARGET_DIR="$work/token" \
        "$CARGO" build --locked --quiet --release --target wasm32-unknown-unknown)
    cp "$work/token/wasm32-unknown-unknown/release/token.wasm" "$work/token.wasm"
}

build_counter() {
    install_zig
    "$ZIG" build-exe counter/counter.zig -target wasm32-freestanding -O ReleaseSmall \
        -fno-entry --export=init --export=invoke --export=query --stack 65536 \
        -femit-bin="$work/counter.wasm" \
        --cache-dir "$work/zig-local" --global-cache-dir "$work/zig-global"
}

build_token
build_counter

failed=0
for name in counter token; do
    built="$work/$name.wasm" committed="$name/$name.wasm"
    if [ "${1:-}" = "--check" ]; then
        cmp "$built" "$committed" || failed=1
    else
        install -m 644 "$built" "$committed"
    fi
    printf '%-8s %6d bytes  sha256 %s\n' "$name" "$(wc -c <"$built")" "$(sha256sum "$built" | cut -d' ' -f1)"
done
exit "$failed"
