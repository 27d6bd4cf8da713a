//! Programs of wasm-smith: every corner of the format, little that runs for long.

use arbitrary::Unstructured;
use wasm_smith::{Config, Module};

use crate::Rng;

/// Two of three programs import nothing, and one of two is made so that it does not trap.
pub fn program(seed: u64) -> Option<Vec<u8>> {
    let mut rng = Rng(seed);
    let random: Vec<u8> = (0..6000).map(|_| rng.draw() as u8).collect();
    let config = Config {
        min_imports: 0,
        max_imports: if seed.is_multiple_of(3) { 6 } else { 0 },
        export_everything: true,
        allow_start_export: true,
        min_funcs: 1,
        min_memories: 1,
        max_memories: 1,
        max_memory32_bytes: 4 << 16,
        memory_max_size_required: true,
        min_tables: 1,
        max_tables: 3,
        max_table_elements: 1000,
        table_max_size_required: true,
        min_globals: 1,
        min_data_segments: 1,
        max_data_segments: 5,
        min_element_segments: 1,
        max_instructions: 600,
        disallow_traps: seed.is_multiple_of(2),
        bulk_memory_enabled: true,
        reference_types_enabled: true,
        multi_value_enabled: true,
        sign_extension_ops_enabled: true,
        saturating_float_to_int_enabled: true,
        extended_const_enabled: true,
        compact_imports_enabled: false,
        simd_enabled: false,
        relaxed_simd_enabled: false,
        threads_enabled: false,
        shared_everything_threads_enabled: false,
        memory64_enabled: false,
        gc_enabled: false,
        exceptions_enabled: false,
        tail_call_enabled: true,
        wide_arithmetic_enabled: true,
        custom_page_sizes_enabled: false,
        ..Config::default()
    };
    Module::new(config, &mut Unstructured::new(&random)).ok().map(|module| module.to_bytes())
}
