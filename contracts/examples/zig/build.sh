zig build-exe tally.zig -target wasm32-freestanding -O ReleaseSafe -fstrip -fno-entry \
    --export=init --export=invoke --export=query --stack 16384
