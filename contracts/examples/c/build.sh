zig cc -target wasm32-freestanding -Os -g0 -nostdlib -Wl,--no-entry -Wl,-z,stack-size=16384 \
    -o tally.wasm tally.c
