//! Tables by operator: its family and first instruction, its class of gas, what it does to the operand stack; and how a
//! pair of operands is written.

use super::value;
use crate::code::inst::{Family, InstId, pair};
use crate::table::gas::GasClass;
use crate::table::ops::{Op, Signature};
use crate::types::ValType;
use crate::valid::kind::Kind;

/// What the translator asks of an operator.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its family, row and first instruction, if it has handlers of its own; of [`Family::Control`] if not.
    pub family: Family,
    row: u8,
    inst: InstId,
    pub class: GasClass,
    pub kind: Kind,
    /// The result, if its signature is fixed.
    pub result: ValType,
}

impl Row {
    /// The row in its family.
    #[inline(always)]
    pub fn row(&self) -> u16 {
        u16::from(self.row)
    }

    /// A variant of its instruction.
    #[inline(always)]
    pub fn inst(&self, variant: u16) -> InstId {
        InstId(self.inst.0 + variant)
    }
}

pub static ROWS: [Row; Op::ALL.len()] = {
    const FAMILIES: [Family; 9] = [
        Family::IntBinary,
        Family::Division,
        Family::IntCompare,
        Family::Unary,
        Family::UnaryTrapping,
        Family::FloatBinary,
        Family::FloatCompare,
        Family::Load,
        Family::Store,
    ];
    const NONE: Row = Row {
        family: Family::Control,
        row: 0,
        inst: InstId(0),
        class: GasClass::Structure,
        kind: Kind::Other,
        result: ValType::I32,
    };
    let mut table = [NONE; Op::ALL.len()];
    let mut at = 0;
    while at < Op::ALL.len() {
        table[at].class = Op::ALL[at].class();
        table[at].kind = Kind::of(Op::ALL[at]);
        if let Signature::Fixed { results: [ty, ..], .. } = Op::ALL[at].signature() {
            table[at].result = *ty;
        }
        at += 1;
    }
    at = 0;
    while at < FAMILIES.len() {
        let rows = FAMILIES[at].rows();
        assert!(rows.len() <= 1 << 8, "a row's number has eight bits");
        let mut row = 0;
        while row < rows.len() {
            table[rows[row] as usize].family = FAMILIES[at];
            table[rows[row] as usize].row = row as u8;
            table[rows[row] as usize].inst = FAMILIES[at].inst(row as u16, 0);
            row += 1;
        }
        at += 1;
    }
    table
};

/// How a pair of operands is written.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    pub variant: u16,
    /// What of an operand goes into the word of operands, and where to.
    pub left: (u32, u8),
    pub right: (u32, u8),
}

/// By the kinds of the two operands. (One accumulator holds one value, and two constants are no pair: those have no
/// meaning.)
pub static FORMS: [[Form; 4]; 4] = {
    const FIRST: (u32, u8) = (0xffff, 16);
    const SECOND: (u32, u8) = (0xffff, 32);
    const IMM: (u32, u8) = (0xffff_ffff, 32);
    const NOTHING: (u32, u8) = (0, 0);
    const fn form(variant: u16, left: (u32, u8), right: (u32, u8)) -> Form {
        Form { variant, left, right }
    }
    const NONE: Form = form(pair::SLOT_SLOT, NOTHING, NOTHING);
    const ACC: [Form; 4] =
        [form(pair::ACC_SLOT, NOTHING, SECOND), form(pair::ACC_IMM, NOTHING, IMM), NONE, NONE];
    let slot_acc = form(pair::SLOT_ACC, FIRST, NOTHING);
    let imm_acc = form(pair::IMM_ACC, IMM, NOTHING);
    let mut forms = [[NONE; 4]; 4];
    forms[value::SLOT] =
        [form(pair::SLOT_SLOT, FIRST, SECOND), form(pair::SLOT_IMM, FIRST, IMM), slot_acc, slot_acc];
    forms[value::CONST] = [form(pair::IMM_SLOT, IMM, FIRST), NONE, imm_acc, imm_acc];
    forms[value::ACC] = ACC;
    forms[value::FLOAT_ACC] = ACC;
    forms
};

/// Whether the operands may change places.
pub const fn commutes(op: Op) -> bool {
    matches!(
        op,
        Op::I32Add
            | Op::I32Mul
            | Op::I32And
            | Op::I32Or
            | Op::I32Xor
            | Op::I64Add
            | Op::I64Mul
            | Op::I64And
            | Op::I64Or
            | Op::I64Xor
            | Op::F32Add
            | Op::F32Mul
            | Op::F64Add
            | Op::F64Mul
    )
}

/// Whether an operator of this kind may push more values than it pops: then the frame may be too large.
pub const fn may_push_more(kind: Kind) -> bool {
    matches!(kind, Kind::Call | Kind::End | Kind::GlobalGet | Kind::Other)
}

/// Whether operators of this kind may cost something and emit nothing that would charge, however many there are: what
/// they use up is forgotten, or is still where it was.
pub const fn may_emit_nothing(kind: Kind) -> bool {
    matches!(kind, Kind::Drop | Kind::LocalSet | Kind::LocalTee | Kind::Unary)
}

/// The result of an operator whose signature is fixed.
#[inline(always)]
pub fn result_of(op: Op) -> ValType {
    ROWS[op as usize].result
}

/// A table from operators to operators; what is in no pair stays what it is.
const fn pairs<const N: usize>(pairs: [(Op, Op); N]) -> [Op; Op::ALL.len()] {
    let mut table = [Op::Nop; Op::ALL.len()];
    let mut at = 0;
    while at < Op::ALL.len() {
        table[Op::ALL[at] as usize] = Op::ALL[at];
        at += 1;
    }
    at = 0;
    while at < N {
        let (one, other) = pairs[at];
        table[one as usize] = other;
        table[other as usize] = one;
        at += 1;
    }
    table
}

static NEGATED: [Op; Op::ALL.len()] = pairs([
    (Op::I32Eq, Op::I32Ne),
    (Op::I32LtS, Op::I32GeS),
    (Op::I32LtU, Op::I32GeU),
    (Op::I32GtS, Op::I32LeS),
    (Op::I32GtU, Op::I32LeU),
    (Op::I64Eq, Op::I64Ne),
    (Op::I64LtS, Op::I64GeS),
    (Op::I64LtU, Op::I64GeU),
    (Op::I64GtS, Op::I64LeS),
    (Op::I64GtU, Op::I64LeU),
]);

static EXCHANGED: [Op; Op::ALL.len()] = pairs([
    (Op::I32LtS, Op::I32GtS),
    (Op::I32LtU, Op::I32GtU),
    (Op::I32LeS, Op::I32GeS),
    (Op::I32LeU, Op::I32GeU),
    (Op::I64LtS, Op::I64GtS),
    (Op::I64LtU, Op::I64GtU),
    (Op::I64LeS, Op::I64GeS),
    (Op::I64LeU, Op::I64GeU),
    (Op::F32Lt, Op::F32Gt),
    (Op::F32Le, Op::F32Ge),
    (Op::F64Lt, Op::F64Gt),
    (Op::F64Le, Op::F64Ge),
]);

/// The comparison of integers that holds when `op` does not.
#[inline(always)]
pub fn negated(op: Op) -> Op {
    NEGATED[op as usize]
}

/// The comparison with its operands exchanged.
#[inline(always)]
pub fn exchanged(op: Op) -> Op {
    EXCHANGED[op as usize]
}
