//! Modules to be run: wasm-smith's, and our own, whose bodies are made by [`crate::body`].

use arbitrary::{Result, Unstructured};
use ghost_wasm::ValType;
use ghost_wasm::internals::{Imm, Op, Signature};
use wasm_encoder as enc;
use wasmparser::{Operator, Parser, Payload};

use crate::body;

/// Parameters and results.
pub type Type = (Vec<ValType>, Vec<ValType>);

/// What bodies may name.
pub struct Shape {
    /// The types; the first is the host function's.
    pub types: Vec<Type>,
    /// The type of each own function.
    pub funcs: Vec<usize>,
    /// The types of the globals, all mutable.
    pub globals: Vec<ValType>,
    /// Operators on numbers.
    pub numeric: Vec<Op>,
    /// Those that may trap.
    pub trapping: Vec<Op>,
    /// Comparisons.
    pub compares: Vec<Op>,
    /// Loads.
    pub loads: Vec<Op>,
    /// Stores.
    pub stores: Vec<Op>,
}

impl Shape {
    /// All functions, the host's included.
    pub fn func_count(&self) -> u32 {
        self.funcs.len() as u32 + 1
    }

    /// The type of a function.
    pub fn signature(&self, func: u32) -> &Type {
        let ty = (func as usize).checked_sub(1).and_then(|own| self.funcs.get(own)).copied().unwrap_or(0);
        &self.types[ty]
    }
}

/// A module and how far its results can be compared.
pub struct Program {
    /// The module.
    pub bytes: Vec<u8>,
    /// Whether no result depends on the bits of a NaN, which engines choose differently.
    pub nan_free: bool,
    /// Whether another engine can be asked. Of our own bodies wasmi 2.0.0 runs about one in ten thousand
    /// wrongly: in `found/programs/peer_loses_a_waiting_read.wasm`, `f1` returns the parameter that it read
    /// first and divided by itself without a trap, and wasmi says it is zero. The environment variable
    /// `FUZZ_PEER=all` asks it nonetheless.
    pub ask_peer: bool,
}

/// A valid module of WebAssembly 2.0 without SIMD, with extended constant expressions.
pub fn program(u: &mut Unstructured<'_>) -> Result<Program> {
    if u.ratio(1, 3)? { smith(u) } else { own(u) }
}

fn smith(u: &mut Unstructured<'_>) -> Result<Program> {
    let nan_free = u.ratio(1, 2)?;
    let mut config = enabled();
    config.canonicalize_nans = nan_free;
    config.min_funcs = 1;
    config.max_funcs = 8;
    config.max_instructions = 300;
    config.max_imports = 0;
    config.max_memories = 1;
    config.max_tables = 1;
    config.max_memory32_bytes = 4 << 16;
    config.max_table_elements = 100;
    config.export_everything = true;
    let bytes = wasm_smith::Module::new(config, u)?.to_bytes();
    // The bits of a NaN that changes its width are no more determined than those of a sum, and wasm-smith makes
    // only the latter the same for all.
    let nan_free = nan_free && !changes_widths(&bytes);
    Ok(Program { bytes, nan_free, ask_peer: true })
}

/// Whether a float becomes one of the other width anywhere.
fn changes_widths(bytes: &[u8]) -> bool {
    let bodies = Parser::new(0).parse_all(bytes).filter_map(|payload| match payload {
        Ok(Payload::CodeSectionEntry(body)) => Some(body),
        _ => None,
    });
    let operators = bodies.flat_map(|body| body.get_operators_reader().into_iter().flatten());
    operators.into_iter().any(|op| matches!(op, Ok(Operator::F64PromoteF32 | Operator::F32DemoteF64)))
}

/// wasm-smith with exactly the proposals that the engine has.
pub fn enabled() -> wasm_smith::Config {
    wasm_smith::Config {
        allow_start_export: true,
        simd_enabled: false,
        relaxed_simd_enabled: false,
        threads_enabled: false,
        memory64_enabled: false,
        gc_enabled: false,
        exceptions_enabled: false,
        tail_call_enabled: false,
        wide_arithmetic_enabled: false,
        custom_page_sizes_enabled: false,
        compact_imports_enabled: false,
        ..wasm_smith::Config::default()
    }
}

/// The type for the encoder.
pub fn encoder_type(ty: ValType) -> enc::ValType {
    match ty {
        ValType::I32 => enc::ValType::I32,
        ValType::I64 => enc::ValType::I64,
        ValType::F32 => enc::ValType::F32,
        ValType::F64 => enc::ValType::F64,
        ValType::FuncRef => enc::ValType::FUNCREF,
        ValType::ExternRef => enc::ValType::EXTERNREF,
    }
}

fn is_float(ty: ValType) -> bool {
    matches!(ty, ValType::F32 | ValType::F64)
}

fn number_ops(nan_free: bool) -> (Vec<Op>, Vec<Op>, Vec<Op>, Vec<Op>, Vec<Op>) {
    let (mut numeric, mut trapping, mut compares) = (vec![], vec![], vec![]);
    let (mut loads, mut stores) = (vec![], vec![]);
    for &op in Op::ALL {
        let Signature::Fixed { params, results } = op.signature() else { continue };
        let shows_nan = op.text().contains("reinterpret_f")
            || op.text().contains("copysign")
            || (op.text().contains(".store") && params.iter().copied().any(is_float));
        if nan_free && shows_nan {
            continue;
        }
        match (op.imm(), params, results) {
            (Imm::MemArg(_), _, []) => stores.push(op),
            (Imm::MemArg(_), ..) => loads.push(op),
            (Imm::Nil, [_, ..], [result]) if *result != ValType::FuncRef => {
                numeric.push(op);
                let text = op.text();
                if text.contains("div_") || text.contains("rem_") || text.contains(".trunc_f") {
                    trapping.push(op);
                }
                let word = text.split('.').nth(1).unwrap_or("");
                if ["eq", "ne", "lt", "gt", "le", "ge"].iter().any(|name| word.starts_with(name))
                    && *result == ValType::I32
                    && !word.starts_with("nea")
                {
                    compares.push(op);
                }
            }
            _ => {}
        }
    }
    (numeric, trapping, compares, loads, stores)
}

fn types(u: &mut Unstructured<'_>, most: usize) -> Result<Vec<ValType>> {
    (0..u.int_in_range(0..=most)?).map(|_| body::value_type(u)).collect()
}

fn own(u: &mut Unstructured<'_>) -> Result<Program> {
    let nan_free = u.ratio(2, 3)?;
    let mut all = vec![(vec![ValType::I32, ValType::I64], vec![ValType::I64])];
    for _ in 0..u.int_in_range(2..=5)? {
        let params = types(u, 4)?;
        // Loops and arms often hand on what they take.
        let results = if u.ratio(1, 3)? { params.clone() } else { types(u, 3)? };
        all.push((params, results));
    }
    let mut funcs = Vec::new();
    for _ in 0..u.int_in_range(1..=4)? {
        funcs.push(u.int_in_range(1..=all.len() - 1)?);
    }
    let mut globals = vec![ValType::I32, ValType::I64];
    globals.extend(types(u, 3)?);
    let (numeric, trapping, compares, loads, stores) = number_ops(nan_free);
    let shape = Shape { types: all, funcs, globals, numeric, trapping, compares, loads, stores };
    let mut code = enc::CodeSection::new();
    for index in 0..shape.funcs.len() {
        code.function(&body::body(u, &shape, index)?);
    }
    let ask_peer = std::env::var_os("FUZZ_PEER").is_some_and(|value| value == "all");
    Ok(Program { bytes: assemble(&shape, &code), nan_free, ask_peer })
}

fn assemble(shape: &Shape, code: &enc::CodeSection) -> Vec<u8> {
    let mut types = enc::TypeSection::new();
    for (params, results) in &shape.types {
        types
            .ty()
            .function(params.iter().copied().map(encoder_type), results.iter().copied().map(encoder_type));
    }
    let mut imports = enc::ImportSection::new();
    imports.import("host", "mix", enc::EntityType::Function(0));
    let mut functions = enc::FunctionSection::new();
    let mut exports = enc::ExportSection::new();
    for (own, &ty) in shape.funcs.iter().enumerate() {
        functions.function(ty as u32);
        exports.export(&format!("f{own}"), enc::ExportKind::Func, own as u32 + 1);
    }
    let mut tables = enc::TableSection::new();
    let count = u64::from(shape.func_count());
    tables.table(enc::TableType {
        element_type: enc::RefType::FUNCREF,
        table64: false,
        minimum: count + 1,
        maximum: Some(count + 4),
        shared: false,
    });
    let mut memories = enc::MemorySection::new();
    memories.memory(enc::MemoryType {
        minimum: 1,
        maximum: Some(3),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut globals = enc::GlobalSection::new();
    for (index, &ty) in shape.globals.iter().enumerate() {
        let init = match ty {
            ValType::I32 => enc::ConstExpr::i32_const(5),
            ValType::I64 => enc::ConstExpr::i64_const(-7),
            ValType::F32 => enc::ConstExpr::f32_const(1.5f32.into()),
            ValType::F64 => enc::ConstExpr::f64_const((-2.5f64).into()),
            ValType::FuncRef => enc::ConstExpr::ref_func(1),
            ValType::ExternRef => enc::ConstExpr::ref_null(enc::HeapType::EXTERN),
        };
        globals.global(enc::GlobalType { val_type: encoder_type(ty), mutable: true, shared: false }, &init);
        exports.export(&format!("g{index}"), enc::ExportKind::Global, index as u32);
    }
    exports.export("m", enc::ExportKind::Memory, 0);
    exports.export("t", enc::ExportKind::Table, 0);
    let mut elements = enc::ElementSection::new();
    let all: Vec<u32> = (0..shape.func_count()).collect();
    elements.active(None, &enc::ConstExpr::i32_const(0), enc::Elements::Functions(all.into()));
    let mut data = enc::DataSection::new();
    data.passive((0..=255_u8).map(|byte| byte.wrapping_mul(37)));
    data.active(0, &enc::ConstExpr::i32_const(3), (0..=255_u8).map(|byte| byte.wrapping_mul(91)));
    let mut module = enc::Module::new();
    module
        .section(&types)
        .section(&imports)
        .section(&functions)
        .section(&tables)
        .section(&memories)
        .section(&globals)
        .section(&exports)
        .section(&elements)
        .section(&enc::DataCountSection { count: 2 })
        .section(code)
        .section(&data);
    module.finish()
}
