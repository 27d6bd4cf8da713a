//! Bug classes that other validators met, one test each: stacks, unreachable code, indices, constant
//! expressions; and what limits and work say.

mod common;

use common::{Outcome, engine, function, pieces, wat, whole};
use ghost_wasm::table::limits::{Limit, Limits};
use ghost_wasm::{Config, Engine, ErrorCode, ErrorKind, Item, ModuleStream, Profile, Refusal};

fn check_under(profile: &Profile, bytes: &[u8]) -> Outcome {
    let engine = engine(profile);
    let outcome = whole(&engine, bytes);
    assert_eq!(pieces(&engine, bytes.chunks(1)), outcome, "the law of chunks");
    outcome
}

fn check(bytes: &[u8]) -> Outcome {
    check_under(&Profile::WASM_2, bytes)
}

#[track_caller]
fn fails(bytes: &[u8], code: ErrorCode) {
    let outcome = check(bytes);
    assert_eq!(outcome.code(), Some(code), "{outcome:?}");
}

#[track_caller]
fn passes(bytes: &[u8]) {
    let outcome = check(bytes);
    assert!(outcome.is_valid(), "{outcome:?}");
}

const BODY: u64 = 8 + 6 + 4 + 4;

#[test]
fn the_stack_of_an_outer_block_is_out_of_reach() {
    fails(&function(b"\x00\x41\x00\x02\x40\x1a\x0b\x0b"), ErrorCode::TypeMismatch);
    fails(&function(b"\x00\x1a\x0b"), ErrorCode::TypeMismatch);
    fails(&function(b"\x00\x6a\x1a\x0b"), ErrorCode::TypeMismatch);
    // One operand within the block and one without.
    fails(&function(b"\x00\x41\x00\x02\x7f\x41\x00\x6a\x0b\x1a\x1a\x0b"), ErrorCode::TypeMismatch);
    let outcome = check(&function(b"\x00\x41\x00\x02\x40\x1a\x0b\x0b"));
    assert_eq!(outcome.offset(), Some(BODY + 5), "at the operator that pops");
}

#[test]
fn unreachable_code_is_checked() {
    passes(&function(b"\x00\x00\x6a\x1a\x0b"));
    passes(&function(b"\x00\x00\x1b\x1a\x0b"));
    passes(&function(b"\x00\x0c\x00\x41\x00\x6a\x1a\x0b"));
    // Operands that are there must have the right types, also when more would come from nowhere.
    fails(&function(b"\x00\x00\x42\x00\x6a\x1a\x0b"), ErrorCode::TypeMismatch);
    fails(&function(b"\x00\x00\x42\x00\x41\x00\x6a\x1a\x0b"), ErrorCode::TypeMismatch);
    fails(&function(b"\x00\x00\x41\x00\x0b"), ErrorCode::TypeMismatch);
    // What `select` of two unknown operands yields is unknown; of one known it is that.
    passes(&function(b"\x00\x00\x1b\x41\x00\x6a\x1a\x0b"));
    fails(&function(b"\x00\x00\x42\x00\x41\x00\x1b\x41\x00\x6a\x1a\x0b"), ErrorCode::TypeMismatch);
    // An unknown operand is no reference for `select`, but a reference is refused.
    fails(&function(b"\x00\x00\xd0\x70\x41\x00\x1b\x1a\x0b"), ErrorCode::TypeMismatch);
    // Unreachability ends with its block.
    fails(&function(b"\x00\x02\x40\x00\x0b\x6a\x1a\x0b"), ErrorCode::TypeMismatch);
    // Indices are checked in unreachable code, too.
    fails(&function(b"\x00\x00\x20\x00\x1a\x0b"), ErrorCode::UnknownLocal);
    fails(&function(b"\x00\x00\x0c\x05\x0b"), ErrorCode::UnknownLabel);
}

#[test]
fn br_table_in_unreachable_code() {
    let text = |body: &str| {
        wat(&format!("(module (func (result i32) (block (result i64) {body}) drop (i32.const 0)))"))
    };
    fails(&text("(block (br_table 0 1 (i32.const 0))) (i64.const 0)"), ErrorCode::TypeMismatch);
    // Arities must agree even where any operands would do.
    fails(&text("unreachable (block (br_table 0 1)) (i64.const 0)"), ErrorCode::TypeMismatch);
    passes(&text("unreachable (br_table 0 1)"));
    fails(&text("unreachable (br_table 0 1 (f32.const 0) (i32.const 0))"), ErrorCode::TypeMismatch);
}

#[test]
fn else_without_if_and_if_without_else() {
    let outcome = check(&function(b"\x00\x02\x40\x05\x0b\x0b"));
    assert_eq!(outcome.code(), Some(ErrorCode::EndExpected));
    assert_eq!(outcome.offset(), Some(BODY + 3));
    fails(&function(b"\x00\x05\x0b"), ErrorCode::EndExpected);
    fails(&function(b"\x00\x41\x00\x04\x40\x05\x05\x0b\x0b"), ErrorCode::EndExpected);
    fails(&function(b"\x00\x41\x00\x04\x7f\x41\x00\x0b\x1a\x0b"), ErrorCode::TypeMismatch);
    passes(&wat(
        "(module (func (param i32) (local.get 0) (local.get 0) (if (param i32) (result i32) (then)) drop))",
    ));
}

#[test]
fn locals_beyond_the_first_ones() {
    let text = |get: u32, ty: &str| {
        let locals = "(local i32) ".repeat(63) + &"(local i64) ".repeat(70) + "(local f32)";
        wat(&format!("(module (func (param f64) (result {ty}) {locals} (local.get {get})))"))
    };
    for (get, ty) in
        [(0, "f64"), (1, "i32"), (63, "i32"), (64, "i64"), (65, "i64"), (133, "i64"), (134, "f32")]
    {
        passes(&text(get, ty));
        fails(&text(get, "externref"), ErrorCode::TypeMismatch);
    }
    fails(&text(135, "i32"), ErrorCode::UnknownLocal);
    let params = |get: u32, ty: &str| {
        let params = "i32 ".repeat(70) + "i64";
        wat(&format!("(module (func (param {params}) (result {ty}) (local f32) (local.get {get})))"))
    };
    for (get, ty) in [(69, "i32"), (70, "i64"), (71, "f32")] {
        passes(&params(get, ty));
        fails(&params(get, "externref"), ErrorCode::TypeMismatch);
    }
    fails(&params(72, "i32"), ErrorCode::UnknownLocal);
}

#[test]
fn references_must_be_declared() {
    fails(&wat("(module (func $f (drop (ref.func $f))))"), ErrorCode::UndeclaredRef);
    passes(&wat("(module (func $f (drop (ref.func $f))) (export \"f\" (func $f)))"));
    passes(&wat("(module (func $f (drop (ref.func $f))) (elem declare func $f))"));
    passes(&wat("(module (func $f (drop (ref.func $f))) (global funcref (ref.func $f)))"));
    passes(&wat("(module (func $f (drop (ref.func $f))) (elem funcref (ref.func $f)))"));
    fails(&wat("(module (func $f (drop (ref.func $f))) (start $f))"), ErrorCode::UndeclaredRef);
}

#[test]
fn constant_expressions() {
    let global = |init: &str| {
        wat(&format!(
            "(module (import \"m\" \"g\" (global i32)) (import \"m\" \"h\" (global (mut i32))) (global i32 (i32.const 1)) (global i32 {init}))"
        ))
    };
    passes(&global("(global.get 0)"));
    fails(&global("(global.get 1)"), ErrorCode::ConstExprRequired);
    // In 2.0 they may read imported globals only; nor themselves, nor later ones.
    fails(&global("(global.get 2)"), ErrorCode::UnknownGlobal);
    fails(&global("(global.get 3)"), ErrorCode::UnknownGlobal);
    fails(&global("(i64.const 0)"), ErrorCode::TypeMismatch);
    fails(&global(""), ErrorCode::TypeMismatch);
    fails(&global("(i32.const 0) (i32.const 0)"), ErrorCode::TypeMismatch);
    fails(&global("(i32.eqz (i32.const 0))"), ErrorCode::ConstExprRequired);
    fails(&global("(i32.add (i32.const 0) (i32.const 0))"), ErrorCode::ConstExprRequired);
    let extended = |init: &str| check_under(&Profile::WASM_2_EXT, &global(init)).code();
    assert_eq!(
        extended("(i32.add (global.get 0) (i32.mul (i32.const 2) (i32.sub (i32.const 3) (i32.const 4))))"),
        None
    );
    assert_eq!(extended("(i32.add (i32.const 0) (i64.const 0))"), Some(ErrorCode::TypeMismatch));
    assert_eq!(extended("(i32.add (i32.const 0))"), Some(ErrorCode::TypeMismatch));
    assert_eq!(extended("(i32.and (i32.const 0) (i32.const 0))"), Some(ErrorCode::ConstExprRequired));
    fails(&wat("(module (func) (global funcref (ref.func 1)))"), ErrorCode::UnknownFunction);
    fails(&wat("(module (table 1 funcref) (elem (i32.const 0) 0))"), ErrorCode::UnknownFunction);
    fails(&wat("(module (memory 1) (data (global.get 0) \"\"))"), ErrorCode::UnknownGlobal);
    // The type of a segment is its table's.
    fails(&wat("(module (table 1 externref) (func) (elem (i32.const 0) func 0))"), ErrorCode::TypeMismatch);
    fails(
        &wat("(module (table 1 funcref) (elem (table 0) (i32.const 0) externref (ref.null extern)))"),
        ErrorCode::TypeMismatch,
    );
}

#[test]
fn bounds_of_memories_and_tables() {
    passes(&wat("(module (memory 0 65536))"));
    fails(&wat("(module (memory 0 65537))"), ErrorCode::MemoryTooLarge);
    fails(&wat("(module (memory 65537))"), ErrorCode::MemoryTooLarge);
    fails(&wat("(module (memory 2 1))"), ErrorCode::LimitsMinAboveMax);
    fails(&wat("(module (memory 1) (memory 1))"), ErrorCode::MultipleMemories);
    passes(&wat("(module (table 0 4294967295 funcref))"));
    fails(&wat("(module (table 2 1 funcref))"), ErrorCode::LimitsMinAboveMax);
    let two = wat("(module (table 1 funcref) (table 1 funcref))");
    passes(&two);
    assert_eq!(check_under(&Profile::WASM_1, &two).code(), Some(ErrorCode::MultipleTables));
    let contract = check_under(&Profile::CONTRACT_V1, &two);
    assert_eq!(contract.code().map(ErrorCode::kind), Some(ErrorKind::Limit));
}

#[test]
fn one_point_zero_has_no_multiple_values() {
    let one = |text: &str| check_under(&Profile::WASM_1, &wat(text)).code();
    assert_eq!(one("(module (func (result i32) (i32.const 0)))"), None);
    assert_eq!(one("(module (type (func (result i32 i32))))"), Some(ErrorCode::BadResultArity));
    assert_eq!(one("(module (func (i32.const 0) (block (param i32) drop)))"), Some(ErrorCode::BadBlockType));
    assert_eq!(one("(module (func (param externref)))"), Some(ErrorCode::BadValType));
    assert_eq!(one("(module (data \"passive\"))"), Some(ErrorCode::UnknownMemory));
    let data_count = common::module(&[(12, b"\x00")]);
    assert_eq!(check_under(&Profile::WASM_1, &data_count).code(), Some(ErrorCode::BadSectionId));
}

#[test]
fn exports_and_start() {
    fails(
        &wat("(module (func) (export \"a\" (func 0)) (export \"a\" (memory 0)) (memory 1))"),
        ErrorCode::DuplicateExport,
    );
    fails(&wat("(module (export \"a\" (func 0)))"), ErrorCode::UnknownFunction);
    fails(&wat("(module (export \"a\" (global 0)))"), ErrorCode::UnknownGlobal);
    fails(&wat("(module (start 0))"), ErrorCode::UnknownFunction);
    fails(&wat("(module (func (param i32)) (start 0))"), ErrorCode::BadStart);
    fails(&wat("(module (func (result i32) (i32.const 0)) (start 0))"), ErrorCode::BadStart);
}

/// The limits of the web with one of them lowered.
fn lowered(set: impl FnOnce(&mut Limits)) -> Profile {
    let mut limits = Limits::JS_API;
    set(&mut limits);
    Profile::WASM_2.with_limits(limits)
}

#[test]
fn limits_have_their_own_kind_and_are_exact() {
    let cases: Vec<(Limit, Profile, &str, &str)> = vec![
        (Limit::Types, lowered(|l| l.types = 1), "(type (func))", "(type (func)) (type (func))"),
        (Limit::Functions, lowered(|l| l.functions = 1), "(func)", "(func) (func)"),
        (
            Limit::Imports,
            lowered(|l| l.imports = 1),
            r#"(import "" "" (func))"#,
            r#"(import "" "" (func)) (import "" "" (func))"#,
        ),
        (
            Limit::Exports,
            lowered(|l| l.exports = 1),
            r#"(func (export "a"))"#,
            r#"(func (export "a") (export "b"))"#,
        ),
        (
            Limit::Globals,
            lowered(|l| l.globals = 1),
            "(global i32 (i32.const 0))",
            "(global i32 (i32.const 0)) (global i32 (i32.const 0))",
        ),
        (Limit::DataSegments, lowered(|l| l.data_segments = 1), r#"(data "")"#, r#"(data "") (data "")"#),
        (Limit::ElemSegments, lowered(|l| l.elem_segments = 1), "(elem func)", "(elem func) (elem func)"),
        (
            Limit::Tables,
            lowered(|l| l.tables = 1),
            "(table 1 funcref)",
            "(table 1 funcref) (table 1 funcref)",
        ),
        (
            Limit::TableEntries,
            lowered(|l| l.table_entries = 1),
            "(func) (elem func 0)",
            "(func) (elem func 0 0)",
        ),
        (Limit::Memories, lowered(|l| l.memories = 0), "", "(memory 1)"),
        (
            Limit::Params,
            lowered(|l| l.params = 1),
            "(type (func (param i32)))",
            "(type (func (param i32 i32)))",
        ),
        (
            Limit::Results,
            lowered(|l| l.results = 1),
            "(type (func (result i32)))",
            "(type (func (result i32 i32)))",
        ),
        (
            Limit::Locals,
            lowered(|l| l.locals = 2),
            "(func (param i32) (local i32))",
            "(func (param i32) (local i32 i64))",
        ),
        (Limit::BodyBytes, lowered(|l| l.body_bytes = 3), "(func nop)", "(func nop nop)"),
        (
            Limit::NameBytes,
            lowered(|l| l.name_bytes = 3),
            r#"(func (export "abc"))"#,
            r#"(func (export "abcd"))"#,
        ),
        (
            Limit::BrTableTargets,
            lowered(|l| l.br_table_targets = 2),
            "(func (br_table 0 0 0 (i32.const 0)))",
            "(func (br_table 0 0 0 0 (i32.const 0)))",
        ),
        (Limit::Nesting, lowered(|l| l.nesting = 2), "(func (block))", "(func (block (block)))"),
        (
            Limit::OperandHeight,
            lowered(|l| l.operand_height = 2),
            "(func i32.const 0 i32.const 0 drop drop)",
            "(func i32.const 0 i32.const 0 i32.const 0 drop drop drop)",
        ),
        (Limit::ModuleBytes, lowered(|l| l.module_bytes = 14), "(type (func))", "(type (func (param i32)))"),
    ];
    for (limit, profile, within, beyond) in cases {
        let load = |text: &str| {
            ghost_wasm::Module::new(
                &Engine::new(&Config::new(profile.clone())),
                &wat(&format!("(module {text})")),
            )
        };
        assert!(load(within).is_ok(), "{limit:?}: {within}");
        let error = load(beyond).err().unwrap_or_else(|| panic!("{limit:?}: {beyond}"));
        assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
        assert_eq!(error.exceeded_limit(), Some((limit, profile.limits().of(limit).into())), "{error}");
        assert!(error.offset().is_some());
    }
}

#[test]
fn work_is_counted_as_defined() {
    let work =
        |text: &str| ghost_wasm::Module::new(&engine(&Profile::WASM_2_EXT), &wat(text)).expect(text).work();
    assert_eq!(work("(module)"), 0);
    // An entry and its value types.
    assert_eq!(work("(module (type (func (param i32 i64) (result f32))))"), 1 + 3 * 5);
    // The type; the entry of the function; the body; its `end`.
    let empty = 1 + 1 + 40 + 2;
    let result = 5;
    assert_eq!(work("(module (func))"), empty);
    assert_eq!(work("(module (func nop))"), empty + 1);
    assert_eq!(work("(module (func (drop (i32.const 1))))"), empty + 2 + 2);
    assert_eq!(work("(module (func (local i32 i32 i64)))"), empty + 2 * 6);
    assert_eq!(work("(module (func (drop (i32.add (i32.const 1) (i32.const 1)))))"), empty + 2 + 2 + 4 + 2);
    // `end` pops and pushes the results; the type has one.
    assert_eq!(work("(module (func (result i32) (i32.const 0)))"), empty + result + 2 + 2);
    // `block` and its `end`.
    assert_eq!(work("(module (func (block (result i32) (i32.const 0)) drop))"), empty + 3 + 2 + (2 + 2) + 2);
    assert_eq!(work("(module (func (loop (br_if 0 (i32.const 0)))))"), empty + 3 + 2 + (4 + 1) + 2);
    assert_eq!(work("(module (func (block (br 0))))"), empty + 3 + 4 + 2);
    // Two targets and the default, of arity 0.
    assert_eq!(work("(module (func (br_table 0 0 0 (i32.const 0))))"), empty + 2 + 2 + 3 * 5);
    assert_eq!(work("(module (func (call 0)))"), empty + 1);
    let indirect = "(module (type (func)) (table 1 funcref) (func (call_indirect (type 0) (i32.const 0))))";
    assert_eq!(work(indirect), empty + 1 + 1 + 2 + (6 + 1));
    // Memory, segment, offset and its end, 33 bytes.
    let data = format!("(module (memory 1) (data (i32.const 0) \"{}\"))", "x".repeat(33));
    assert_eq!(work(&data), 1 + 1 + 2 + 3 + 2);
    // A custom section: itself, its name, its bytes.
    let custom = format!("(module (@custom \"{}\" \"{}\"))", "n".repeat(16), "x".repeat(47));
    assert_eq!(work(&custom), 1 + 1 + 2);
    // A global and its initialiser.
    assert_eq!(work("(module (global i32 (i32.add (i32.const 1) (i32.const 2))))"), 2 + 2 + 2 + 4 + 3);
}

#[test]
fn a_policy_refuses_what_it_sees() {
    let text =
        r#"(module (import "env" "f" (func (param i32))) (memory (export "m") 1) (@custom "note" "x"))"#;
    let refuse = |what: &'static str| {
        let mut stream = ModuleStream::new(&engine(&Profile::WASM_2)).with_policy(move |item: Item<'_>| {
            if format!("{item:?}").contains(what) {
                Err(Refusal { code: 7, text: what.into() })
            } else {
                Ok(())
            }
        });
        stream.feed(&wat(text)).and_then(|()| stream.finish()).map(drop)
    };
    assert!(refuse("nothing").is_ok());
    let seen = [
        r#"Import { module: "env", name: "f", ty: Func([i32] -> []) }"#,
        r#"Export { name: "m", ty: Memory(MemoryType { min: 1, max: None }) }"#,
        r#"Custom { name: "note" }"#,
    ];
    for what in seen {
        let error = refuse(what).expect_err(what);
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert_eq!(error.operand(), Some(7));
        assert_eq!(error.detail(), Some(what));
        assert!(error.offset().is_some());
    }
}

#[test]
fn profiles_differ_in_their_canonical_bytes() {
    let mut all: Vec<Vec<u8>> = Profile::ALL.iter().map(Profile::canonical_bytes).collect();
    all.push(lowered(|limits| limits.types = 5).canonical_bytes());
    for (index, one) in all.iter().enumerate() {
        for other in &all[index + 1..] {
            assert_ne!(one, other);
        }
    }
    assert_eq!(Profile::CONTRACT_V1.canonical_bytes(), Profile::CONTRACT_V1.clone().canonical_bytes());
}

#[test]
fn error_codes_have_one_number_and_a_text_each() {
    let mut numbers = std::collections::BTreeSet::new();
    for &code in ghost_wasm::ErrorCode::ALL {
        assert!(numbers.insert(code.number()), "{code:?}");
        assert_eq!(code.number() >> 8, code.kind() as u16, "{code:?}");
        assert!(!code.text().is_empty() && code.help().ends_with('.'), "{code:?}");
    }
    for &trap in ghost_wasm::TrapCode::ALL {
        assert_eq!(trap.error_code().kind(), ErrorKind::Trap);
        assert_eq!(ghost_wasm::TrapCode::from_u8(trap as u8), Some(trap));
        assert_eq!(trap.error_code().name(), format!("{trap:?}"));
    }
}
