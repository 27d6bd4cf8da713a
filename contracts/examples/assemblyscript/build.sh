asc tally.ts -O --runtime stub -o tally.wasm
