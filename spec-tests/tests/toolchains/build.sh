#!/usr/bin/env bash
# Rebuilds the modules of real toolchains; `--check` fails when a byte differs from what is committed.
# rustc is Debian 12's (packages rustc libstd-rust-dev-wasm32 lld); clang and Zig come together in a
# pinned Python package. No target feature is switched on or off.
set -euo pipefail
cd "$(dirname "$0")"

ZIG_VERSION=0.17.0
tools="${ZVM_TOOLS:-$PWD/../../../target/tools}/ziglang-$ZIG_VERSION"
if [ ! -x "$tools/ziglang/zig" ]; then
    python3 -m pip install --quiet --root-user-action=ignore --target "$tools" "ziglang==$ZIG_VERSION"
fi
zig="$tools/ziglang/zig"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ZIG_LOCAL_CACHE_DIR="$work/zig-local" ZIG_GLOBAL_CACHE_DIR="$work/zig-global"

/usr/bin/rustc --edition 2021 --crate-type cdylib --target wasm32-unknown-unknown -O -C strip=debuginfo \
    -o "$work/from_rust.wasm" from_rust.rs
"$zig" cc -target wasm32-freestanding -O2 -g0 -nostdlib -Wl,--no-entry -o "$work/from_clang.wasm" from_clang.c
"$zig" build-exe from_zig.zig -target wasm32-freestanding -O ReleaseSmall -fno-entry --export=run \
    -femit-bin="$work/from_zig.wasm"

failed=0
for name in from_rust from_clang from_zig; do
    if [ "${1:-}" = "--check" ]; then
        cmp "$work/$name.wasm" "$name.wasm" || failed=1
    else
        install -m 644 "$work/$name.wasm" "$name.wasm"
    fi
done
exit "$failed"
