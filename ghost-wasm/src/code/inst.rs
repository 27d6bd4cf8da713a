//! The canonical numbers of internal instructions.
//!
//! Families come one after another; within a family rows in the order of `table/insts.rs`, within a row its
//! variants. A variant with a result comes in a pair: result in a slot, then (number + 1) in an accumulator.

use crate::table::insts::{
    for_each_float_binary, for_each_float_compare, for_each_int_binary, for_each_int_compare,
    for_each_int_division, for_each_load, for_each_load_op, for_each_store, for_each_unary,
    for_each_unary_trapping, for_each_wide_binary,
};
use crate::table::ops::Op;

/// The number of an internal instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InstId(pub u16);

macro_rules! ops2 {
    ($($name:ident, $t:ty, $f:ident;)*) => { &[$(Op::$name),*] };
}
macro_rules! ops3 {
    ($($name:ident, $t:ty, $r:ty, $f:ident;)*) => { &[$(Op::$name),*] };
}
macro_rules! ops_mem {
    ($($name:ident, $t:ty, $m:ty;)*) => { &[$(Op::$name),*] };
}
macro_rules! ops_load_op {
    ($($name:ident, $t:ty, $f:ident, $load:ident;)*) => { &[$(Op::$name),*] };
}
macro_rules! loads_of {
    ($($name:ident, $t:ty, $f:ident, $load:ident;)*) => { &[$(Op::$load),*] };
}

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
    /// Branches, calls, returns: [`control`].
    Control: NO_OP, 14;
    /// Work for the driver, by its number.
    Service: NO_OP, 16;
    /// Copies, constants, `select`, globals: [`moves`].
    Moves: NO_OP, 15;
    /// `memory.size`.
    Size: NO_OP, 2;
    /// Integer operators of two operands; variants: [`pair`].
    IntBinary: for_each_int_binary!(ops2), 14;
    /// Integer divisions; variants: [`pair`].
    Division: for_each_int_division!(ops2), 14;
    /// Integer comparisons: slot-slot, slot-acc, slot-imm, acc-imm, each with two results.
    IntCompare: for_each_int_compare!(ops2), 8;
    /// Compare and branch: slot-slot, slot-acc, slot-imm, acc-imm.
    IntBranch: for_each_int_compare!(ops2), 4;
    /// Operators of one operand: slot or acc, each with two results.
    Unary: for_each_unary!(ops3), 4;
    /// The same, which can trap.
    UnaryTrapping: for_each_unary_trapping!(ops3), 4;
    /// Float operators of two operands; variants: [`pair`].
    FloatBinary: for_each_float_binary!(ops2), 14;
    /// Float comparisons: slot-slot, slot-acc, each with two results.
    FloatCompare: for_each_float_compare!(ops2), 4;
    /// Compare and branch: slot-slot if true, if false; slot-acc if true, if false.
    FloatBranch: for_each_float_compare!(ops2), 4;
    /// Loads: address in a slot, acc, code; each with two results.
    Load: for_each_load!(ops_mem), 6;
    /// Stores, address-value: slot-slot, slot-acc, acc-slot, code-slot, code-acc, acc-acc.
    Store: for_each_store!(ops_mem), 6;
    /// Constants stored, by width; address in a slot, acc, code.
    StoreConst: STORE_WIDTHS, 3;
    /// An operator whose right operand is loaded; left-address: slot-slot, slot-acc, acc-slot, acc-acc.
    LoadOp: for_each_load_op!(ops_load_op), 8;
    /// An operator with a 64-bit constant on the right; left: slot, acc, each with two results.
    WideBinary: for_each_wide_binary!(ops2), 4;
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
}

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
    pub const fn row_of(self, op: Op) -> Option<u16> {
        let rows = self.rows();
        let mut row = 0;
        while row < rows.len() {
            if rows[row] as u16 == op as u16 {
                return Some(row as u16);
            }
            row += 1;
        }
        None
    }
}

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

impl InstId {
    /// Its family, row and variant.
    pub fn parts(self) -> (Family, u16, u16) {
        let mut found = Family::Control;
        for &family in Family::ALL {
            if family.base() <= self.0 {
                found = family;
            }
        }
        let within = self.0 - found.base();
        (found, within / found.variants(), within % found.variants())
    }

    /// The words of the instruction at the start of `code`.
    pub fn words(self, code: &[u64]) -> usize {
        let (family, _, variant) = self.parts();
        match family {
            Family::Control => match variant {
                control::UNREACHABLE => 2,
                control::CALL_INDIRECT_SLOT | control::CALL_INDIRECT_ACC => 4,
                control::BR_TABLE_SLOT | control::BR_TABLE_ACC => {
                    4 + code.get(1).map_or(0, |word| (word >> 32) as usize)
                }
                _ => 3,
            },
            Family::Service | Family::IntBranch | Family::FloatBranch => 4,
            Family::Moves if variant == moves::CONST64 || variant == moves::CONST64 + 1 => 3,
            Family::Moves if variant == moves::GLOBAL_SET_CONST => 3,
            Family::FloatBinary if variant >= pair::SLOT_IMM => 3,
            Family::StoreConst | Family::LoadOp | Family::WideBinary => 3,
            _ => 2,
        }
    }
}
