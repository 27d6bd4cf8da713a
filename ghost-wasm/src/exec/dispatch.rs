//! From instruction numbers to handlers.

use super::exits;
use super::ops::{along, control, float, fused, int, memory, moves, step, wide, wide_pair};
use super::regs::Handler;
use crate::code::inst::{COUNT, Family, InstId};

/// All handlers by instruction number.
static HANDLERS: [Handler; COUNT] = {
    let mut table = [exits::unreachable as Handler; COUNT];
    let mut at = 0;
    macro_rules! copy {
        ($family:ident, $handlers:expr) => {
            assert!(at == Family::$family.base() as usize);
            let handlers = $handlers;
            let mut from = 0;
            while from < handlers.len() {
                table[at] = handlers[from];
                at += 1;
                from += 1;
            }
        };
    }
    macro_rules! copy_rows {
        ($family:ident, $rows:expr) => {
            assert!(at == Family::$family.base() as usize);
            let rows = $rows;
            let mut row = 0;
            while row < rows.len() {
                let mut from = 0;
                while from < rows[row].len() {
                    table[at] = rows[row][from];
                    at += 1;
                    from += 1;
                }
                row += 1;
            }
        };
    }
    copy!(Control, control::CONTROL);
    copy!(Service, exits::SERVICES);
    copy!(Moves, moves::MOVES);
    copy!(Size, memory::SIZE);
    copy_rows!(IntBinary, int::BINARY);
    copy_rows!(Division, int::DIVISION);
    copy_rows!(IntCompare, int::COMPARE);
    copy_rows!(IntBranch, int::BRANCH);
    copy_rows!(Unary, int::UNARY);
    copy_rows!(UnaryTrapping, int::UNARY_TRAPPING);
    copy_rows!(FloatBinary, float::BINARY);
    copy_rows!(FloatCompare, float::COMPARE);
    copy_rows!(FloatBranch, float::BRANCH);
    copy_rows!(Load, memory::LOAD);
    copy_rows!(Store, memory::STORE);
    copy_rows!(StoreConst, memory::STORE_CONST);
    copy_rows!(LoadOp, memory::LOAD_OP);
    copy_rows!(WideBinary, int::WIDE);
    copy_rows!(Pair, fused::PAIR);
    copy_rows!(FloatPair, fused::FLOAT_PAIR);
    copy_rows!(Latch, fused::LATCH);
    copy_rows!(Test, fused::TEST);
    copy_rows!(LoadBranch, fused::LOAD_BRANCH);
    copy_rows!(CompareSelect, fused::COMPARE_SELECT);
    copy_rows!(LoadFloatPair, fused::LOAD_FLOAT_PAIR);
    copy_rows!(Sum128, wide::SUM);
    copy_rows!(MulWide, wide::PRODUCT);
    copy!(CallWith, along::CALL_WITH);
    copy!(BrWith, along::BR_WITH);
    copy_rows!(CopyBranch, along::COPY_BRANCH);
    copy_rows!(LatchTwo, along::LATCH_TWO);
    copy_rows!(LoadStep, step::LOAD_STEP);
    copy_rows!(StoreStep, step::STORE_STEP);
    copy_rows!(WideFirst, wide_pair::WIDE_FIRST);
    copy_rows!(WideSecond, wide_pair::WIDE_SECOND);
    copy_rows!(WideBoth, wide_pair::WIDE_BOTH);
    assert!(at == COUNT);
    table
};

/// The handler of an instruction.
#[cfg(feature = "internals")]
pub(super) fn handler_of(inst: InstId) -> Handler {
    HANDLERS.get(usize::from(inst.0)).copied().unwrap_or(exits::unreachable)
}

/// The first word of an op until it is linked: its number, and how many words it has, so that [`link`] need not look
/// that up before it can go on to the next. (0 words: it must.)
pub fn numbered(inst: InstId, words: usize) -> u64 {
    u64::from(inst.0) | (words as u64) << WORDS
}

/// Where an unlinked op has its number of words.
const WORDS: u32 = 16;

/// Replaces the instruction numbers of finished code by handler addresses.
pub fn link(code: &mut [u64]) {
    let mut at = 0;
    while let Some(word) = code.get_mut(at) {
        let first = *word;
        let inst = InstId(first as u16);
        let Some(&handler) = HANDLERS.get(usize::from(inst.0)) else { return };
        *word = handler as usize as u64;
        at += match first >> WORDS {
            0 => inst.words(code.get(at..).unwrap_or_default()),
            words => words as usize,
        };
    }
}
