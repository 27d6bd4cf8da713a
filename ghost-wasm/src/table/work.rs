//! Work: what a module costs to load, counted while it is decoded and validated. The same number however the
//! module is cut. A deployment pays for it and a loader yields by it, so that each unit should take about as long
//! as any other: the weights are those of `cargo run --release -p ghost-wasm --features internals --example
//! hostile`, where no case takes more than twice the time of straight-line code for a unit.
//!
//! An operator is its weight and one for each value that it pops and pushes by the algorithm of the
//! specification's appendix; a label of `br_table` its weight and its arity; everything else is here.

use super::ops::Op;

/// An entry of a section that is not named below; an operator of a constant expression.
pub const ENTRY: u64 = 1;
/// A value type that such an entry spells out.
pub const VALUE: u64 = 1;
/// A value type of a function type: types are interned.
pub const TYPE_VALUE: u64 = 5;
/// A function's body, its operators apart.
pub const BODY: u64 = 40;
/// A run of locals.
pub const LOCAL_RUN: u64 = 6;
/// A label of `br_table`.
pub const TABLE_LABEL: usize = 5;
/// Bytes of names, data and custom sections that make one unit, rounded down.
pub const BYTES: u64 = 16;

/// What an operator is counted for besides its values.
pub const fn weight(op: Op) -> u8 {
    match op {
        Op::Block | Op::Loop | Op::If => 3,
        Op::Else | Op::End => 2,
        Op::Br | Op::BrIf => 4,
        Op::CallIndirect | Op::ReturnCallIndirect => 6,
        _ => 1,
    }
}
