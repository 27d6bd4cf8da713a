//! Exact gas, computed by hand in each case. The prices (`common::by_hand`), for the sums below:
//! local 1, global and `memory.size` 3, alu, load, store 4, mul and div 8, select 6, br 2, br_if 4, if 4,
//! br_table 8, return and final end 2, call 56, call_indirect 100, memory.grow and bulk 40, drop of a
//! segment 4, enter 4 and one for 4 locals, references (`table.size` and so on) 400; blocks, ends and `drop`
//! nothing; a moved value 1. Constants cost 1 each, which the sums below do not repeat.

mod common;

use common::*;
use ghost_wasm::{FuncType, TrapCode, ValType};
use ghost_wasm_oracle::{Error, Extern, Store, Val};

/// Text of a module, arguments, outcome, gas of the export `f`.
type Case = (&'static str, &'static [Val], End, u64);

fn check(cases: Vec<Case>) {
    for (text, args, outcome, gas) in cases {
        let (mut store, instance) = instance(text);
        assert_eq!(call(&mut store, instance, "f", args), (outcome.clone(), gas), "{text}");

        // The exact limit suffices; every smaller one is used up without an outcome.
        let (mut store, instance) = common::instance(text);
        assert_eq!(call_with(&mut store, instance, "f", args, gas), (outcome.clone(), gas), "{text}");
        for limit in 0..gas.min(300) {
            let (mut store, instance) = common::instance(text);
            let cut = call_with(&mut store, instance, "f", args, limit);
            assert_eq!(cut, (End::OutOfGas, limit), "{text}");
        }
    }
}

fn values(values: &[Val]) -> End {
    End::Values(values.to_vec())
}

const NOTHING: &[Val] = &[];

#[test]
fn entering_and_leaving() {
    check(vec![
        // enter 4, end 2
        (r#"(module (func (export "f")))"#, NOTHING, values(&[]), 6),
        // enter 4, end 2 + 1
        (r#"(module (func (export "f") (result i32) i32.const 7))"#, NOTHING, i32s(&[7]), 8),
        // Parameters are no declared locals: enter 4, local 1, end 2 + 1
        (
            r#"(module (func (export "f") (param i32 i32 i32 i32) (result i32) local.get 3))"#,
            &[Val::I32(1), Val::I32(2), Val::I32(3), Val::I32(4)],
            i32s(&[4]),
            8,
        ),
        // Three locals are free, enter 4 + 3/4; the fourth costs: 4 + 4/4
        (r#"(module (func (export "f") (local i32 i64 f32)))"#, NOTHING, values(&[]), 6),
        (r#"(module (func (export "f") (local i32 i64 f32 f64)))"#, NOTHING, values(&[]), 7),
        (
            r#"(module (func (export "f") (local i32 i32 i32 i32 i32 i32 i32 i32 i32)))"#,
            NOTHING,
            values(&[]),
            8,
        ),
        // enter 4, return 2 + 2; the final end is not reached
        (
            r#"(module (func (export "f") (result i32 i32) i32.const 1 i32.const 2 return))"#,
            NOTHING,
            i32s(&[1, 2]),
            10,
        ),
        // enter 4, br 2 + 1; a branch to the function's label is no return
        (r#"(module (func (export "f") (result i32) i32.const 1 br 0))"#, NOTHING, i32s(&[1]), 8),
        // enter 4, br_table 8 + 1
        (
            r#"(module (func (export "f") (result i32) i32.const 1 i32.const 9 br_table 0 0))"#,
            NOTHING,
            i32s(&[1]),
            15,
        ),
    ]);
}

#[test]
fn plain_operators() {
    check(vec![
        // enter 4, local 2, add 4, mul 8, end 3
        (
            r#"(module (func (export "f") (param i32) (result i32)
                local.get 0 local.get 0 i32.add i32.const 3 i32.mul))"#,
            &[Val::I32(5)],
            i32s(&[30]),
            22,
        ),
        // enter 4, select 6, end 3
        (
            r#"(module (func (export "f") (result i32) i32.const 1 i32.const 2 i32.const 0 select))"#,
            NOTHING,
            i32s(&[2]),
            16,
        ),
        // enter 4, global.get 3, global.set 3, end 2
        (
            r#"(module (global $g (mut i32) (i32.const 1))
                (func (export "f") global.get $g global.set $g))"#,
            NOTHING,
            values(&[]),
            12,
        ),
        // enter 4, store 4, load 4, memory.size 3, end 4
        (
            r#"(module (memory 1) (func (export "f") (result i32 i32)
                i32.const 0 i32.const 7 i32.store i32.const 0 i32.load memory.size))"#,
            NOTHING,
            i32s(&[7, 1]),
            22,
        ),
        // A trap has been charged: enter 4, div 8
        (
            r#"(module (func (export "f") (result i32) i32.const 1 i32.const 0 i32.div_s))"#,
            NOTHING,
            End::Trap(TrapCode::IntegerDivisionByZero),
            14,
        ),
        // enter 4, load 4
        (
            r#"(module (memory 1) (func (export "f") (result i32) i32.const -1 i32.load))"#,
            NOTHING,
            End::Trap(TrapCode::MemoryOutOfBounds),
            9,
        ),
        // `unreachable` is of the class that costs nothing: enter 4
        (r#"(module (func (export "f") unreachable))"#, NOTHING, End::Trap(TrapCode::Unreachable), 4),
    ]);
}

#[test]
fn control() {
    const IF: &str = r#"(module (func (export "f") (param i32) (result i32)
        local.get 0
        if (result i32) i32.const 1 i32.const 1 i32.add else i32.const 2 end))"#;
    const BR_IF: &str = r#"(module (func (export "f") (param i32) (result i32)
        block (result i32)
            i32.const 5 local.get 0 br_if 0
            i32.const 1 i32.add
        end))"#;
    const SUM: &str = r#"(module (func (export "f") (param i32) (result i32) (local i32)
        loop
            local.get 1 local.get 0 i32.add local.set 1
            local.get 0 i32.const 1 i32.sub local.tee 0
            br_if 0
        end
        local.get 1))"#;
    const TABLE: &str = r#"(module (func (export "f") (param i32) (result i32)
        block block block
            local.get 0 br_table 0 1 2
        end
            i32.const 10 return
        end
            i32.const 11 return
        end
        i32.const 12))"#;
    check(vec![
        // enter 4, local 1, if 4, add 4, end 3
        (IF, &[Val::I32(1)], i32s(&[2]), 18),
        // enter 4, local 1, if 4, end 3
        (IF, &[Val::I32(0)], i32s(&[2]), 13),
        // enter 4, local 1, br_if 4 + 1, end 3: taken; not taken the value counts, too, and then add 4
        (BR_IF, &[Val::I32(1)], i32s(&[5]), 14),
        (BR_IF, &[Val::I32(0)], i32s(&[6]), 19),
        // enter 4; a turn: local 1 + 1, add 4, local 1, local 1, sub 4, local 1, br_if 4 = 17; local 1, end 3
        (SUM, &[Val::I32(1)], i32s(&[1]), 26),
        (SUM, &[Val::I32(4)], i32s(&[10]), 80),
        // enter 4, local 1, br_table 8, return 2 + 1
        (TABLE, &[Val::I32(0)], i32s(&[10]), 17),
        (TABLE, &[Val::I32(1)], i32s(&[11]), 17),
        // the final end: 2 + 1
        (TABLE, &[Val::I32(2)], i32s(&[12]), 17),
        (TABLE, &[Val::I32(-1)], i32s(&[12]), 17),
    ]);
}

#[test]
fn a_branch_to_a_loop_moves_its_parameters() {
    // enter 4; first turn: local.tee 1, local.get 1, br_if 4 + 1; second turn the same; end 3
    check(vec![(
        r#"(module (func (export "f") (result i32) (local i32)
            i32.const 2
            loop (param i32) (result i32)
                i32.const 1 i32.sub local.tee 0
                local.get 0
                br_if 0
            end))"#,
        NOTHING,
        i32s(&[0]),
        32,
    )]);
}

#[test]
fn calls() {
    check(vec![
        // enter 4, call 56 + 2, inner: enter 4, local 2, sub 4, end 3; end 3
        (
            r#"(module
                (func $g (param i32 i32) (result i32) local.get 0 local.get 1 i32.sub)
                (func (export "f") (result i32) i32.const 9 i32.const 4 call $g))"#,
            NOTHING,
            i32s(&[5]),
            80,
        ),
        // enter 4, call_indirect 100 + 1 (the index is no argument), inner: enter 4, local 1, end 3; end 3
        (
            r#"(module (table 1 funcref) (elem (i32.const 0) $g)
                (func $g (param i32) (result i32) local.get 0)
                (func (export "f") (result i32)
                    i32.const 9 i32.const 0 call_indirect (param i32) (result i32)))"#,
            NOTHING,
            i32s(&[9]),
            118,
        ),
        // The traps of call_indirect have paid for the call, not for entering: enter 4, 100 + 1
        (
            r#"(module (table 1 funcref) (func (export "f")
                    i32.const 9 i32.const 1 call_indirect (param i32)))"#,
            NOTHING,
            End::Trap(TrapCode::UndefinedElement),
            107,
        ),
        (
            r#"(module (table 1 funcref) (func (export "f")
                    i32.const 9 i32.const 0 call_indirect (param i32)))"#,
            NOTHING,
            End::Trap(TrapCode::IndirectCallToNull),
            107,
        ),
        (
            r#"(module (table 1 funcref) (elem (i32.const 0) $g) (func $g)
                (func (export "f") i32.const 9 i32.const 0 call_indirect (param i32)))"#,
            NOTHING,
            End::Trap(TrapCode::BadSignature),
            107,
        ),
    ]);
}

#[test]
fn memory_operators_pay_for_the_length_after_the_checks() {
    check(vec![
        // enter 4, fill 40 + 31/16, end 2
        (
            r#"(module (memory 1) (func (export "f") i32.const 0 i32.const 1 i32.const 31 memory.fill))"#,
            NOTHING,
            values(&[]),
            50,
        ),
        (
            r#"(module (memory 1) (func (export "f") i32.const 0 i32.const 1 i32.const 15 memory.fill))"#,
            NOTHING,
            values(&[]),
            49,
        ),
        // enter 4, copy 40 + 160/16, end 2
        (
            r#"(module (memory 1) (func (export "f") i32.const 0 i32.const 1 i32.const 160 memory.copy))"#,
            NOTHING,
            values(&[]),
            59,
        ),
        // A trap has paid the base alone: enter 4, copy 40
        (
            r#"(module (memory 1) (func (export "f") i32.const 0 i32.const 1 i32.const 65536 memory.copy))"#,
            NOTHING,
            End::Trap(TrapCode::MemoryOutOfBounds),
            47,
        ),
        // enter 4, init 40 + 16/16, data.drop 4, end 2
        (
            r#"(module (memory 1) (data $d "0123456789abcdefgh") (func (export "f")
                i32.const 0 i32.const 1 i32.const 16 memory.init $d data.drop $d))"#,
            NOTHING,
            values(&[]),
            54,
        ),
        // Dropped: the segment has length 0. enter 4, drop 4, init 40
        (
            r#"(module (memory 1) (data $d "0123456789abcdefgh") (func (export "f")
                data.drop $d i32.const 0 i32.const 1 i32.const 16 memory.init $d))"#,
            NOTHING,
            End::Trap(TrapCode::MemoryOutOfBounds),
            51,
        ),
        // enter 4, grow 40 + 2 * 6140, end 3
        (
            r#"(module (memory 1 3) (func (export "f") (result i32) i32.const 2 memory.grow))"#,
            NOTHING,
            i32s(&[1]),
            12_328,
        ),
        // Refused: enter 4, grow 40, end 3
        (
            r#"(module (memory 1 3) (func (export "f") (result i32) i32.const 3 memory.grow))"#,
            NOTHING,
            i32s(&[-1]),
            48,
        ),
        (
            r#"(module (memory 0) (func (export "f") (result i32) i32.const 65537 memory.grow))"#,
            NOTHING,
            i32s(&[-1]),
            48,
        ),
    ]);
}

#[test]
fn table_operators_pay_for_the_entries_after_the_checks() {
    check(vec![
        // enter 4, grow 40 + 3, table.size 3, end 2 + 2
        (
            r#"(module (table 1 4 funcref) (func (export "f") (result i32 i32)
                ref.null func i32.const 3 table.grow table.size))"#,
            NOTHING,
            i32s(&[1, 4]),
            453,
        ),
        // enter 4, grow 40, end 3
        (
            r#"(module (table 1 4 funcref) (func (export "f") (result i32)
                ref.null func i32.const 4 table.grow))"#,
            NOTHING,
            i32s(&[-1]),
            49,
        ),
        // enter 4, fill 40 + 5, copy 40 + 2, end 2
        (
            r#"(module (table 8 externref) (func (export "f")
                i32.const 1 ref.null extern i32.const 5 table.fill
                i32.const 0 i32.const 1 i32.const 2 table.copy))"#,
            NOTHING,
            values(&[]),
            99,
        ),
        // enter 4, fill 40
        (
            r#"(module (table 8 externref) (func (export "f")
                i32.const 4 ref.null extern i32.const 5 table.fill))"#,
            NOTHING,
            End::Trap(TrapCode::TableOutOfBounds),
            47,
        ),
        // enter 4, init 40 + 2, elem.drop 4, init 40
        (
            r#"(module (table 8 funcref) (elem $e func $g $g) (func $g) (func (export "f")
                i32.const 0 i32.const 0 i32.const 2 table.init $e
                elem.drop $e
                i32.const 0 i32.const 0 i32.const 1 table.init $e))"#,
            NOTHING,
            End::Trap(TrapCode::TableOutOfBounds),
            96,
        ),
        // enter 4, table.get 4, table.set 4, ref.is_null 4, end 3
        (
            r#"(module (table 2 funcref) (func (export "f") (result i32)
                i32.const 0 i32.const 1 table.get table.set
                ref.null func ref.is_null))"#,
            NOTHING,
            i32s(&[1]),
            814,
        ),
    ]);
}

#[test]
fn out_of_gas_for_the_length_has_no_effect() {
    let text = r#"(module (memory (export "m") 1 2) (table (export "t") 1 2 funcref)
        (func (export "fill") i32.const 0 i32.const 1 i32.const 32 memory.fill)
        (func (export "grow") i32.const 1 memory.grow drop)
        (func (export "entry") ref.null func i32.const 1 table.grow drop))"#;
    for (name, gas) in [("fill", 45), ("grow", 44 + 6_139), ("entry", 44)] {
        let (mut store, instance) = instance(text);
        assert_eq!(call_with(&mut store, instance, name, &[], gas), (End::OutOfGas, gas));
        assert_eq!(store.memories()[0].size_pages(), 1);
        assert!(store.memories()[0].to_vec().iter().all(|byte| *byte == 0));
        assert_eq!(store.tables()[0].size(), 1);
    }
}

/// Gas of an instantiation, and how it ended.
fn instantiation(text: &str, limit: u64) -> (Result<(), Error>, u64) {
    let profile = &by_hand();
    let mut store = Store::new(profile);
    let global = ghost_wasm::GlobalType { content: ValType::I32, mutable: false };
    let global = store.new_global(global, Val::I32(2)).expect("of the type it says");
    let linker = linker(&[("host", "two", Extern::Global(global))]);
    store.set_gas(limit);
    let outcome = linker.instantiate(&mut store, &module(profile, text)).map(drop);
    (outcome, store.gas_used())
}

#[test]
fn instantiation_costs_what_its_operators_cost() {
    let cases = [
        ("(module)", 0),
        ("(module (memory 3) (table 9 funcref))", 0),
        // A constant costs 1, an imported global 3.
        ("(module (global i32 (i32.const 1)))", 1),
        (r#"(module (import "host" "two" (global i32)) (global i32 (global.get 0)))"#, 3),
        // 3, 3, mul 8, add 4
        (
            r#"(module (import "host" "two" (global i32))
                (global i32 (i32.add (i32.mul (global.get 0) (global.get 0)) (i32.const 1))))"#,
            19,
        ),
        // table.init 40 + 2, elem.drop 4
        ("(module (table 2 funcref) (func $g) (elem (i32.const 0) $g $g))", 51),
        // offset 3, table.init 40 + 1, elem.drop 4
        (
            r#"(module (import "host" "two" (global i32)) (table 3 funcref) (func $g)
                (elem (global.get 0) $g))"#,
            51,
        ),
        // Passive: its items alone, each a constant. Declarative: elem.drop 4.
        ("(module (func $g) (elem func $g))", 1),
        ("(module (func $g) (elem declare func $g))", 5),
        // memory.init 40 + 17/16, data.drop 4
        (r#"(module (memory 1) (data (i32.const 0) "0123456789abcdefg"))"#, 48),
        (r#"(module (memory 1) (data (i32.const 0) ""))"#, 47),
        (r#"(module (data "0123456789abcdefg"))"#, 0),
        // The start function is entered without a call: 4, 2
        ("(module (func $s) (start $s))", 6),
        // All of it: 46 + 45 + 6
        (
            r#"(module (table 2 funcref) (memory 1) (func $s) (elem (i32.const 0) $s $s)
                (data (i32.const 0) "0123456789abcdefg") (start $s))"#,
            105,
        ),
    ];
    for (text, gas) in cases {
        let (outcome, used) = instantiation(text, u64::MAX);
        assert!(outcome.is_ok(), "{text}: {outcome:?}");
        assert_eq!(used, gas, "{text}");
        for limit in 0..gas {
            let (outcome, used) = instantiation(text, limit);
            assert!(matches!(outcome, Err(Error::OutOfGas)), "{text} with {limit}");
            assert_eq!(used, limit, "{text}");
        }
    }
}

#[test]
fn a_segment_that_does_not_fit_has_paid_its_base() {
    let cases = [
        // table.init 40
        ("(module (table 1 funcref) (func $g) (elem (i32.const 0) $g $g))", TrapCode::TableOutOfBounds, 45),
        // memory.init 40 + 1/16, data.drop 4, memory.init 40
        (
            r#"(module (memory 1) (data (i32.const 0) "a") (data (i32.const 65536) "b"))"#,
            TrapCode::MemoryOutOfBounds,
            90,
        ),
    ];
    for (text, code, gas) in cases {
        let (outcome, used) = instantiation(text, u64::MAX);
        assert_eq!(outcome.err().and_then(|error| error.trap_code()), Some(code), "{text}");
        assert_eq!(used, gas, "{text}");
    }
}

#[test]
fn host_functions_pay_their_own_formula_and_the_call() {
    let profile = &by_hand();
    let mut store = Store::new(profile);
    let pay = store.new_func(FuncType::new([ValType::I32], []), |store, _, args| {
        match args {
            [Val::I32(cost)] => store.charge(*cost as u64)?,
            _ => unreachable!("its type says i32"),
        }
        Ok(Vec::new())
    });
    let linker = linker(&[("host", "pay", Extern::Func(pay))]);
    let text = r#"(module (import "host" "pay" (func $pay (param i32)))
        (export "pay" (func $pay))
        (func (export "f") i32.const 1000 call $pay))"#;
    let instance = linker.instantiate(&mut store, &module(profile, text)).expect("it links");
    // enter 4, call 56 + 1, the host 1000, end 2
    assert_eq!(call(&mut store, instance, "f", &[]), (End::Values(vec![]), 1_064));
    assert_eq!(call_with(&mut store, instance, "f", &[], 1_063), (End::OutOfGas, 1_063));
    assert_eq!(call_with(&mut store, instance, "f", &[], 1_000), (End::OutOfGas, 1_000));
    // Reached by the host: its formula alone.
    assert_eq!(call(&mut store, instance, "pay", &[Val::I32(7)]), (End::Values(vec![]), 7));
}

#[test]
fn the_host_enters_like_anybody() {
    let profile = &by_hand();
    let text = r#"(module (import "host" "back" (func $back))
        (func (export "inner") (local i64 i64 i64 i64))
        (func (export "f") call $back))"#;
    let module = module(profile, text);
    let run = |limit| {
        let mut store = Store::new(profile);
        let back = calls_back(&mut store, "inner");
        let linker = linker(&[("host", "back", Extern::Func(back))]);
        let instance = linker.instantiate(&mut store, &module).expect("it links");
        let ended = call_with(&mut store, instance, "f", &[], limit);
        (ended, call(&mut store, instance, "f", &[]).0)
    };
    // enter 4, call 56, inner: enter 4 + 1, end 2; end 2
    assert_eq!(run(u64::MAX), ((End::Values(vec![]), 69), End::Values(vec![])));
    // Out-of-gas within the inner call is the host function's error, which it hands on.
    let over = Error::Usage("the store ran out of gas").to_string();
    for limit in 0..69 {
        let (ended, next) = run(limit);
        assert_eq!(ended, (End::OutOfGas, limit));
        let inner = (60..67).contains(&limit);
        assert_eq!(next, if inner { End::Other(over.clone()) } else { End::Values(vec![]) }, "{limit}");
    }
}
