//! Small modules of proposals, for the tests of the engine and of the program.

use ghost_wasm::table::features::Feature;

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A module of hand-made sections of less than 128 bytes.
fn module(sections: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = b"\0asm\x01\0\0\0".to_vec();
    for (id, content) in sections {
        bytes.extend([*id, u8::try_from(content.len()).expect("short")]);
        bytes.extend(*content);
    }
    bytes
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    module(&[(id, content)])
}

/// A module of one function without locals.
fn body(code: &[u8]) -> Vec<u8> {
    let len = u8::try_from(code.len()).expect("short") + 2;
    let entry = [&[1, len, 0][..], code, &[0x0b]].concat();
    module(&[(1, b"\x01\x60\x00\x00"), (3, b"\x01\x00"), (10, &entry)])
}

/// One small module that needs a proposal, and the words of the specification for it without the proposal.
pub fn samples() -> Vec<(Feature, Vec<u8>, &'static str)> {
    let illegal = "illegal opcode";
    vec![
        (Feature::SignExtension, wat("(module (func (drop (i32.extend8_s (i32.const 1)))))"), illegal),
        (
            Feature::SaturatingConversion,
            wat("(module (func (drop (i32.trunc_sat_f32_s (f32.const 1)))))"),
            illegal,
        ),
        (Feature::MultiValue, wat("(module (type (func (result i32 i32))))"), "invalid result arity"),
        (
            Feature::MultiValue,
            wat("(module (func i32.const 1 (block (param i32) drop)))"),
            "malformed block type",
        ),
        (
            Feature::BulkMemory,
            wat("(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))"),
            illegal,
        ),
        (
            Feature::BulkMemory,
            wat("(module (memory 1) (data \"a\") (func (data.drop 0)))"),
            "malformed section id 12",
        ),
        (Feature::BulkMemory, module(&[(5, b"\x01\x00\x01"), (11, b"\x01\x01\x01a")]), "unknown memory 1"),
        (
            Feature::BulkMemory,
            module(&[(4, b"\x01\x70\x00\x01"), (9, b"\x01\x01\x00\x00")]),
            "unknown table 1",
        ),
        (Feature::ReferenceTypes, wat("(module (func (param externref)))"), "malformed value type"),
        (Feature::ReferenceTypes, wat("(module (table 1 externref))"), "malformed reference type"),
        (Feature::ReferenceTypes, wat("(module (table 1 funcref) (table 1 funcref))"), "multiple tables"),
        (Feature::ReferenceTypes, wat("(module (func (drop (ref.null func))))"), illegal),
        (
            Feature::ExtendedConst,
            wat("(module (global i32 (i32.add (i32.const 1) (i32.const 2))))"),
            "constant expression required",
        ),
        (Feature::TailCall, wat("(module (func $f return_call $f))"), illegal),
        (
            Feature::WideArithmetic,
            wat("(module (func (param i64) (result i64 i64) local.get 0 local.get 0 i64.mul_wide_s))"),
            illegal,
        ),
        (
            Feature::Simd,
            wat(
                "(module (func (export \"a\") (result i32) (i32x4.extract_lane 1 (i32x4.splat (i32.const 3)))))",
            ),
            illegal,
        ),
        (Feature::Simd, wat("(module (func (param v128)))"), "malformed value type"),
        (
            Feature::Simd,
            wat("(module (func (block (result v128) unreachable) drop))"),
            "malformed block type",
        ),
        (Feature::Simd, wat("(module (global v128 (v128.const i64x2 0 0)))"), "malformed value type"),
        (Feature::RelaxedSimd, body(b"\x00\xfd\x80\x02\x1a"), illegal),
        (
            Feature::Threads,
            wat("(module (memory 1 1 shared) (func (drop (i32.atomic.load (i32.const 0)))))"),
            "integer too large",
        ),
        (Feature::Threads, wat("(module (import \"a\" \"b\" (memory 1 1 shared)))"), "integer too large"),
        (Feature::Threads, wat("(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))"), illegal),
        (Feature::Memory64, wat("(module (memory i64 1))"), "integer too large"),
        (Feature::Memory64, wat("(module (import \"a\" \"b\" (memory i64 1)))"), "integer too large"),
        (Feature::Memory64, wat("(module (table i64 1 funcref))"), "integer too large"),
        (Feature::Memory64, wat("(module (import \"a\" \"b\" (table i64 1 funcref)))"), "integer too large"),
        (Feature::MultiMemory, wat("(module (memory 1) (memory 1))"), "multiple memories"),
        (
            Feature::MultiMemory,
            module(&[
                (1, b"\x01\x60\x00\x00"),
                (3, b"\x01\x00"),
                (5, b"\x01\x00\x01"),
                (10, b"\x01\x09\x00\x41\x00\x28\x42\x00\x00\x1a\x0b"),
            ]),
            "malformed memop flags",
        ),
        (Feature::ExceptionHandling, wat("(module (tag) (func throw 0))"), "malformed section id 13"),
        (Feature::ExceptionHandling, wat("(module (import \"a\" \"b\" (tag)))"), "malformed import kind"),
        (Feature::ExceptionHandling, wat("(module (func (param exnref)))"), "malformed value type"),
        (Feature::ExceptionHandling, wat("(module (func (try_table (nop))))"), illegal),
        (Feature::LegacyExceptions, body(b"\x06\x40\x01\x19\x01\x0b"), illegal),
        (
            Feature::FunctionReferences,
            wat("(module (type $t (func)) (func (param (ref $t))))"),
            "malformed value type",
        ),
        (
            Feature::FunctionReferences,
            wat("(module (type $t (func)) (table 0 (ref null $t)))"),
            "malformed reference type",
        ),
        (
            Feature::FunctionReferences,
            wat("(module (func $f) (table 1 1 funcref (ref.func $f)))"),
            "malformed reference type",
        ),
        (
            Feature::FunctionReferences,
            wat("(module (type $t (func)) (func (drop (ref.null $t))))"),
            "malformed reference type",
        ),
        (
            Feature::FunctionReferences,
            wat("(module (func $f) (elem declare func $f) (func (drop (ref.as_non_null (ref.func $f)))))"),
            illegal,
        ),
        (Feature::Gc, wat("(module (type (struct (field i32))))"), "malformed function type"),
        (Feature::Gc, wat("(module (type (array i8)))"), "malformed function type"),
        (Feature::Gc, wat("(module (rec (type (func)) (type (func))))"), "malformed function type"),
        (Feature::Gc, wat("(module (func (param anyref)))"), "malformed value type"),
        (Feature::Gc, wat("(module (func (drop (ref.null any))))"), "malformed reference type"),
        (Feature::Gc, wat("(module (func (drop (ref.i31 (i32.const 1)))))"), illegal),
        (
            Feature::Gc,
            wat("(module (global i32 (i32.const 1)) (global i32 (global.get 0)))"),
            "unknown global 0",
        ),
        (Feature::CustomPageSizes, wat("(module (memory 1 (pagesize 1)))"), "integer too large"),
        (
            Feature::StackSwitching,
            wat("(module (type $f (func)) (type (cont $f)))"),
            "malformed function type",
        ),
        (
            Feature::SharedEverything,
            wat("(module (global (shared i32) (i32.const 0)))"),
            "malformed mutability",
        ),
        (Feature::MemoryControl, body(b"\x00\xfc\x12\x00"), illegal),
        (Feature::CustomDescriptors, section(1, b"\x01\x4d\x01\x5f\x00"), "malformed function type"),
        (Feature::CompactImports, section(2, b"\x01\x01a\x00\x7f\x01\x01b\x00\x00"), "malformed import kind"),
        (Feature::Stringref, section(14, b"\x00\x01\x01a"), "malformed section id 14"),
        (Feature::Stringref, body(b"\xfb\x82\x01\x00\x1a"), illegal),
        (Feature::ComponentModel, wat("(component)"), "unknown binary version"),
    ]
}
