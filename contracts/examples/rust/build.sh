rustc --edition 2021 --crate-type cdylib --target wasm32-unknown-unknown -C opt-level=s -C lto -C panic=abort \
    -C overflow-checks -C strip=debuginfo -C link-arg=-zstack-size=16384 -o tally.wasm tally.rs
