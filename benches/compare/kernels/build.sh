#!/usr/bin/env bash
# Rebuilds the kernels' .wasm, which are committed beside their sources.
#
#   kernels/build.sh              rebuild in place
#   kernels/build.sh --check      rebuild aside and fail when a byte differs
#   kernels/build.sh --expected   compile every kernel for this machine, run it with the argument of
#                                 ../src/kernels.rs and compare with the result that stands there
#
# The compiler, clang and Zig in one, is a pinned Python package.
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

# No contraction to fused multiply-add: WebAssembly has none, and the native results must agree.
c_flags=(-std=c11 -Wall -Wextra -Werror -ffreestanding -ffp-contract=off -fno-sanitize=all -g0)

wasm_c() {
    "$zig" cc -target wasm32-freestanding -O3 "${c_flags[@]}" -nostdlib \
        -Wl,--no-entry,--strip-all,--export-memory -z stack-size=65536 -o "$2" "$1"
}

wasm_zig() {
    "$zig" build-exe "$1" -target wasm32-freestanding -O ReleaseFast -fstrip -fno-entry --export=run \
        --stack 65536 -femit-bin="$2"
}

if [ "${1:-}" = "--expected" ]; then
    for source in *.c *.zig; do
        name="${source%.*}"
        case "$source" in
            *.c) "$zig" cc -shared -fPIC -O2 "${c_flags[@]}" -nostdlib -o "$work/$name.so" "$source" ;;
            *.zig) "$zig" build-lib -dynamic -fPIC -O ReleaseSafe "$source" -femit-bin="$work/$name.so" ;;
        esac
    done
    exec python3 expected.py ../src/kernels.rs "$work"
fi

failed=0
for source in *.c *.zig; do
    name="${source%.*}"
    "wasm_${source##*.}" "$source" "$work/$name.wasm"
    if [ "${1:-}" = "--check" ]; then
        cmp "$work/$name.wasm" "$name.wasm" || failed=1
    else
        install -m 644 "$work/$name.wasm" "$name.wasm"
    fi
done
exit "$failed"
