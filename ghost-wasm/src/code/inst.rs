//! The canonical numbers of internal instructions.
//!
//! Families come one after another; within a family rows in the order of `table/insts.rs`, within a row its
//! variants. A variant with a result comes in a pair: result in a slot, then (number + 1) in an accumulator.

use crate::table::insts::{
    for_each_float_binary, for_each_float_compare, for_each_float_pair, for_each_i32_compare,
    for_each_int_binary, for_each_int_compare, for_each_int_division, for_each_int_pair, for_each_load,
    for_each_load_branch, for_each_load_float_pair, for_each_load_op, for_each_mul_wide, for_each_store,
    for_each_sum128, for_each_test, for_each_unary, for_each_unary_trapping, for_each_wide_binary,
    for_each_wide_both, for_each_wide_first, for_each_wide_second,
};
use crate::table::ops::Op;

/// The number of an internal instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InstId(pub u16);

/// Targets in the code are distances in bytes from the op that names them, with this added, so that none is negative.
pub const TARGET_BIAS: u32 = 1 << 31;

macro_rules! ops2 {
    ($($name:ident, $t:ty, $f:ident;)*) => { &[$(Op::$name),*] };
}
macro_rules! ops3 {
    ($($name:ident, $t:ty, $r:ty, $f:ident;)*) => { &[$(Op::$name),*] };
}
macro_rules! ops_mem {
    ($($name:ident, $t:ty, $m:ty;)*) => { &[$(Op::$name),*] };
}

macro_rules! firsts {
    ($($first:ident, $second:ident, $t:ty;)*) => { &[$(Op::$first),*] };
}
macro_rules! seconds {
    ($($first:ident, $second:ident, $t:ty;)*) => { &[$(Op::$second),*] };
}
macro_rules! ops_with_load {
    ($($name:ident, $t:ty, $m:ty, $load:ident;)*) => { &[$(Op::$name),*] };
}
macro_rules! loads_of {
    ($($name:ident, $t:ty, $m:ty, $load:ident;)*) => { &[$(Op::$load),*] };
}
macro_rules! load_pair_firsts {
    ($($first:ident, $second:ident, $t:ty, $load:ident;)*) => { &[$(Op::$first),*] };
}
macro_rules! load_pair_seconds {
    ($($first:ident, $second:ident, $t:ty, $load:ident;)*) => { &[$(Op::$second),*] };
}

/// For each row of the pairs their second operator.
pub const SECOND_OF: &[Op] = for_each_int_pair!(seconds);
/// For each row of the pairs with a 64-bit constant their second operator: of the first, of the second, of both.
pub const WIDE_FIRST_SECOND_OF: &[Op] = for_each_wide_first!(seconds);
/// See [`WIDE_FIRST_SECOND_OF`].
pub const WIDE_SECOND_SECOND_OF: &[Op] = for_each_wide_second!(seconds);
/// See [`WIDE_FIRST_SECOND_OF`].
pub const WIDE_BOTH_SECOND_OF: &[Op] = for_each_wide_both!(seconds);
/// For each row of the float pairs their second operator.
pub const FLOAT_SECOND_OF: &[Op] = for_each_float_pair!(seconds);
/// For each row of the float pairs with a load their second operator.
pub const LOAD_FLOAT_SECOND_OF: &[Op] = for_each_load_float_pair!(load_pair_seconds);
/// For each row of the load-branch family the load that it contains.
pub const BRANCH_LOAD_OF: &[Op] = for_each_load_branch!(loads_of);
/// For each row of the load-op family the load that it contains.
pub const LOAD_OF: &[Op] = for_each_load_op!(loads_of);

macro_rules! families {
    ($($(#[$doc:meta])* $name:ident: $rows:expr, $variants:literal;)*) => {
        /// A family of instructions.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Family { $($(#[$doc])* $name),* }

        impl Family {
            /// All families.
            pub const ALL: &'static [Family] = &[$(Family::$name),*];
            const ROWS: &'static [&'static [Op]] = &[$($rows),*];
            const VARIANTS: &'static [u16] = &[$($variants),*];
        }
    };
}

/// Families that are no operator's: one "row" of variants.
const NO_OP: &[Op] = &[Op::Nop];
/// Widths of stored constants, named by a store of that width.
const STORE_WIDTHS: &[Op] = &[Op::I32Store8, Op::I32Store16, Op::I32Store, Op::I64Store];

families! {
    /// Branches, calls, returns: `control`.
    Control: NO_OP, 17;
    /// Work for the driver, by its number.
    Service: NO_OP, 19;
    /// Copies, constants, `select`, globals: `moves`.
    Moves: NO_OP, 20;
    /// `memory.size`.
    Size: NO_OP, 2;
    /// Integer operators of two operands; variants: `pair`.
    IntBinary: for_each_int_binary!(ops2), 14;
    /// Integer divisions; variants: `pair`.
    Division: for_each_int_division!(ops2), 14;
    /// Integer comparisons: slot-slot, slot-acc, slot-imm, acc-imm, each with two results.
    IntCompare: for_each_int_compare!(ops2), 8;
    /// Compare and branch: slot-slot, slot-acc, slot-imm, acc-imm.
    IntBranch: for_each_int_compare!(ops2), 4;
    /// Operators of one operand: slot or acc, each with two results.
    Unary: for_each_unary!(ops3), 4;
    /// The same, which can trap.
    UnaryTrapping: for_each_unary_trapping!(ops3), 4;
    /// Float operators of two operands; variants: `pair`.
    FloatBinary: for_each_float_binary!(ops2), 14;
    /// Float comparisons: slot-slot, slot-acc, each with two results.
    FloatCompare: for_each_float_compare!(ops2), 4;
    /// Compare and branch: slot-slot if true, if false; slot-acc if true, if false.
    FloatBranch: for_each_float_compare!(ops2), 4;
    /// Loads: address in a slot, acc, code, slot + slot, slot + immediate; each with two results.
    Load: for_each_load!(ops_mem), 10;
    /// Stores, address-value: slot-slot, slot-acc, acc-slot, code-slot, code-acc, acc-acc; then address slot +
    /// slot, slot + immediate, each with the value in a slot, acc.
    Store: for_each_store!(ops_mem), 10;
    /// Constants stored, by width; address in a slot, acc, code, slot + slot, slot + immediate.
    StoreConst: STORE_WIDTHS, 5;
    /// An operator whose right operand is loaded; left-address: slot-slot, slot-acc, acc-slot, acc-acc, and with
    /// the sum of two slots as address: slot, acc.
    LoadOp: for_each_load_op!(ops_with_load), 12;
    /// An operator with a 64-bit constant on the right; left: slot, acc, each with two results.
    WideBinary: for_each_wide_binary!(ops2), 4;
    /// Two integer operators, `(a first b) second c`; variants: `triple`.
    Pair: for_each_int_pair!(firsts), 20;
    /// Two float operators; `(a first b) second c`: slot-slot-slot, slot-slot-acc, acc-slot-slot, each with two
    /// results; then the same with `c` on the left.
    FloatPair: for_each_float_pair!(firsts), 12;
    /// `d = a + step`, then compare `d` and branch. Step: immediate or slot; other operand: slot or immediate.
    Latch: for_each_int_compare!(ops2), 4;
    /// Branch on an operator's result: is it other than zero, with operands slot-slot, slot-imm, acc-slot,
    /// acc-imm; then is it zero, likewise.
    Test: for_each_test!(ops2), 8;
    /// A comparison whose left operand is loaded, and a branch. Address-other: slot-slot, slot-imm, slot-acc,
    /// acc-slot, acc-imm; then slot-slot, slot-imm, acc-slot, acc-imm with what was loaded going to a slot too.
    LoadBranch: for_each_load_branch!(ops_with_load), 9;
    /// `d = (l cmp r) ? a : b`; operands of the comparison as in [`Family::IntCompare`].
    CompareSelect: for_each_int_compare!(ops2), 8;
    /// `(l first memory[address]) second c`: left-address-`c` slot-slot-slot, slot-slot-acc, acc-slot-slot, and the
    /// same with the sum of two slots as address, each with two results; then all with `c` on the left.
    LoadFloatPair: for_each_load_float_pair!(load_pair_firsts), 24;
    /// Sums of 128 bits; variants: `sum128`. The pair of results is the high half, the low one goes to a slot.
    Sum128: for_each_sum128!(ops2), 6;
    /// Products of 128 bits: slot-slot, with two results for the high half; the low one goes to a slot.
    MulWide: for_each_mul_wide!(ops2), 2;
    /// Calls that do something before: `call_with`.
    CallWith: NO_OP, 2;
    /// Branches that do something before: `br_with`.
    BrWith: NO_OP, 3;
    /// A copy, then compare and branch: slot-slot, slot-imm.
    CopyBranch: for_each_int_compare!(ops2), 2;
    /// Two sums of a slot and an immediate in place, then compare the second and branch.
    LatchTwo: for_each_i32_compare!(ops2), 1;
    /// A load, and a sum of a slot and an immediate that goes to a slot: `load_step`.
    LoadStep: for_each_load!(ops_mem), 8;
    /// A store to an address in a slot, value in a slot, acc; then such a sum of i32.
    StoreStep: for_each_store!(ops_mem), 2;
    /// Two integer operators, the first with a 64-bit constant; `a`-`c`: slot-slot, slot-imm, acc-slot, acc-imm, each
    /// with two results.
    WideFirst: for_each_wide_first!(firsts), 8;
    /// The same, the second with a 64-bit constant; `a`-`b` likewise.
    WideSecond: for_each_wide_second!(firsts), 8;
    /// The same, both with 64-bit constants; `a`: slot, acc, each with two results.
    WideBoth: for_each_wide_both!(firsts), 4;
}

/// Variants of [`Family::Control`].
pub mod control {
    pub const UNREACHABLE: u16 = 0;
    pub const CHARGE: u16 = 1;
    pub const BR: u16 = 2;
    pub const BR_TABLE_SLOT: u16 = 3;
    pub const BR_TABLE_ACC: u16 = 4;
    pub const CALL: u16 = 5;
    pub const CALL_INDIRECT_SLOT: u16 = 6;
    pub const CALL_INDIRECT_ACC: u16 = 7;
    pub const RETURN_NONE: u16 = 8;
    pub const RETURN_SLOT: u16 = 9;
    pub const RETURN_ACC: u16 = 10;
    pub const RETURN_CONST: u16 = 11;
    pub const RETURN_FLOAT: u16 = 12;
    pub const RETURN_MANY: u16 = 13;
    pub const RETURN_CALL: u16 = 14;
    pub const RETURN_CALL_INDIRECT_SLOT: u16 = 15;
    pub const RETURN_CALL_INDIRECT_ACC: u16 = 16;
}

/// Variants of [`Family::CallWith`].
pub mod call_with {
    pub const COPY: u16 = 0;
    /// The i32 sum of a slot and an immediate.
    pub const ADD: u16 = 1;
}

/// Variants of [`Family::BrWith`].
pub mod br_with {
    pub const COPY: u16 = 0;
    /// The i32 sum of a slot and an immediate, in place.
    pub const ADD: u16 = 1;
    /// Two of them.
    pub const ADD_TWO: u16 = 2;
}

/// Variants of [`Family::LoadStep`]: what comes first, and what is summed up. The address is in a slot.
pub mod load_step {
    /// An i32, then the load, with two results.
    pub const STEP_LOAD: u16 = 0;
    /// The same where the sum is the address.
    pub const STEP_LOAD_THERE: u16 = 2;
    /// An i64, then the load, with two results.
    pub const WIDE_STEP_LOAD: u16 = 4;
    /// The load, then an i32.
    pub const LOAD_STEP: u16 = 6;
    /// The load, then an i64.
    pub const LOAD_WIDE_STEP: u16 = 7;
}

/// Variants of [`Family::Sum128`]: the high halves of the operands, left-right. The low ones are in slots.
pub mod sum128 {
    pub const SLOT_SLOT: u16 = 0;
    pub const SLOT_IMM: u16 = 2;
    pub const IMM_IMM: u16 = 4;
}

/// Variants of [`Family::Moves`].
pub mod moves {
    pub const COPY: u16 = 0;
    pub const CONST32: u16 = 1;
    pub const CONST64: u16 = 3;
    pub const COPY_RANGE: u16 = 5;
    pub const SELECT_SLOT: u16 = 6;
    pub const SELECT_ACC: u16 = 8;
    pub const GLOBAL_GET: u16 = 10;
    pub const GLOBAL_SET_SLOT: u16 = 12;
    pub const GLOBAL_SET_ACC: u16 = 13;
    pub const GLOBAL_SET_CONST: u16 = 14;
    /// Two copies, one after the other.
    pub const COPY_TWO: u16 = 15;
    /// Two sums of a slot and an immediate, one after the other.
    pub const ADD_TWO: u16 = 16;
    /// A copy, then a constant.
    pub const COPY_CONST: u16 = 17;
    /// A constant, then a copy.
    pub const CONST_COPY: u16 = 18;
    /// Two constants.
    pub const CONST_TWO: u16 = 19;
}

/// The variants of [`Family::LoadBranch`] from here on put what was loaded into a slot.
pub const LOAD_BRANCH_KEEP: u16 = 5;

/// Variants of families with two free operands: left-right, result in a slot.
pub mod pair {
    pub const SLOT_SLOT: u16 = 0;
    pub const SLOT_ACC: u16 = 2;
    pub const ACC_SLOT: u16 = 4;
    pub const SLOT_IMM: u16 = 6;
    pub const ACC_IMM: u16 = 8;
    pub const IMM_SLOT: u16 = 10;
    pub const IMM_ACC: u16 = 12;
}

/// Variants of [`Family::Pair`]: where `a`, `b` and `c` are; result in a slot.
pub mod triple {
    pub const SLOT_SLOT_SLOT: u16 = 0;
    pub const SLOT_SLOT_IMM: u16 = 2;
    pub const SLOT_SLOT_ACC: u16 = 4;
    pub const SLOT_IMM_SLOT: u16 = 6;
    pub const SLOT_IMM_IMM: u16 = 8;
    pub const SLOT_IMM_ACC: u16 = 10;
    pub const ACC_SLOT_SLOT: u16 = 12;
    pub const ACC_SLOT_IMM: u16 = 14;
    pub const ACC_IMM_SLOT: u16 = 16;
    pub const ACC_IMM_IMM: u16 = 18;
}

/// Variants of loads and stores whose address is a sum.
pub mod sum {
    pub const LOAD_SLOT: u16 = 6;
    pub const LOAD_IMM: u16 = 8;
    pub const STORE_SLOT: u16 = 6;
    pub const STORE_IMM: u16 = 8;
    pub const CONST_SLOT: u16 = 3;
    pub const CONST_IMM: u16 = 4;
    pub const LOAD_OP: u16 = 8;
}

impl Family {
    /// The operators of the rows.
    pub const fn rows(self) -> &'static [Op] {
        Family::ROWS[self as usize]
    }

    /// The number of variants of a row.
    pub const fn variants(self) -> u16 {
        Family::VARIANTS[self as usize]
    }

    /// The number of the family's first instruction.
    pub const fn base(self) -> u16 {
        BASES[self as usize]
    }

    /// The instruction at a row and variant.
    pub const fn inst(self, row: u16, variant: u16) -> InstId {
        InstId(self.base() + row * self.variants() + variant)
    }

    /// The row of an operator.
    #[inline]
    pub const fn row_of(self, op: Op) -> Option<u16> {
        match ROWS_OF[self as usize][op as usize] {
            NO_ROW => None,
            row => Some(row as u16),
        }
    }
}

/// Not the operator of any row.
const NO_ROW: u8 = u8::MAX;

/// For each family the row of each operator: the translator asks for one at nearly every operator.
static ROWS_OF: [[u8; Op::ALL.len()]; Family::ALL.len()] = {
    let mut table = [[NO_ROW; Op::ALL.len()]; Family::ALL.len()];
    let mut at = 0;
    while at < Family::ALL.len() {
        let rows = Family::ROWS[at];
        assert!(rows.len() < NO_ROW as usize);
        let mut row = rows.len();
        while row > 0 {
            row -= 1;
            table[at][rows[row] as usize] = row as u8;
        }
        at += 1;
    }
    table
};

const BASES: [u16; Family::ALL.len() + 1] = {
    let mut bases = [0; Family::ALL.len() + 1];
    let mut at = 0;
    while at < Family::ALL.len() {
        bases[at + 1] = bases[at] + Family::ROWS[at].len() as u16 * Family::VARIANTS[at];
        at += 1;
    }
    bases
};

/// How many instructions there are.
pub const COUNT: usize = BASES[Family::ALL.len()] as usize;

/// What the passes over finished code ask of each instruction.
#[derive(Clone, Copy)]
struct Facts {
    family: Family,
    row: u8,
    variant: u8,
    /// Its words, without the targets of a `br_table`.
    words: u8,
}

static FACTS: [Facts; COUNT] = {
    let mut table = [Facts { family: Family::Control, row: 0, variant: 0, words: 1 }; COUNT];
    let mut number = 0;
    let mut at = 0;
    while at < Family::ALL.len() {
        let family = Family::ALL[at];
        while number < BASES[at + 1] as usize {
            let within = number as u16 - BASES[at];
            let (row, variant) = (within / family.variants(), within % family.variants());
            assert!(row < NO_ROW as u16 && variant <= u8::MAX as u16);
            let words = words(family, variant);
            table[number] = Facts { family, row: row as u8, variant: variant as u8, words };
            number += 1;
        }
        at += 1;
    }
    table
};

/// The words of an instruction, without the targets of a `br_table`.
const fn words(family: Family, variant: u16) -> u8 {
    match family {
        Family::Control => match variant {
            control::UNREACHABLE => 2,
            control::CALL_INDIRECT_SLOT | control::CALL_INDIRECT_ACC => 4,
            control::RETURN_CALL_INDIRECT_SLOT | control::RETURN_CALL_INDIRECT_ACC => 4,
            // The default's target is always there.
            control::BR_TABLE_SLOT | control::BR_TABLE_ACC => 4,
            _ => 3,
        },
        Family::Service | Family::IntBranch | Family::FloatBranch => 4,
        Family::Latch | Family::Test | Family::LoadBranch | Family::CopyBranch | Family::LatchTwo => 4,
        Family::BrWith if variant == br_with::ADD_TWO => 4,
        Family::BrWith | Family::CallWith => 3,
        Family::Moves if variant == moves::CONST64 || variant == moves::CONST64 + 1 => 3,
        Family::Moves if variant == moves::GLOBAL_SET_CONST || variant >= moves::ADD_TWO => 3,
        Family::FloatBinary if variant >= pair::SLOT_IMM => 3,
        Family::StoreConst | Family::LoadOp | Family::WideBinary => 3,
        Family::CompareSelect | Family::LoadFloatPair | Family::Sum128 => 3,
        Family::LoadStep | Family::StoreStep | Family::WideFirst | Family::WideSecond => 3,
        Family::WideBoth => 4,
        _ => 2,
    }
}

impl InstId {
    fn facts(self) -> Facts {
        let nothing = Facts { family: Family::Control, row: 0, variant: 0, words: 1 };
        FACTS.get(usize::from(self.0)).copied().unwrap_or(nothing)
    }

    /// Its family, row and variant.
    #[inline]
    pub fn parts(self) -> (Family, u16, u16) {
        let facts = self.facts();
        (facts.family, u16::from(facts.row), u16::from(facts.variant))
    }

    /// The words of the instruction at the start of `code`.
    #[inline]
    pub fn words(self, code: &[u64]) -> usize {
        const TABLE_SLOT: u16 = Family::Control.inst(0, control::BR_TABLE_SLOT).0;
        const TABLE_ACC: u16 = Family::Control.inst(0, control::BR_TABLE_ACC).0;
        let words = usize::from(self.facts().words);
        match self.0 {
            TABLE_SLOT | TABLE_ACC => words + code.get(1).map_or(0, |word| (word >> 32) as usize),
            _ => words,
        }
    }
}
