#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ghost_wasm_fuzz::decode::check(data));
