//! Kinds of operators: what the validator's quick path tells apart, and a sink may, by one branch for both.

use crate::table::ops::{Imm, Op, Signature};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// None of those below: the general path's.
    Other,
    LocalGet,
    LocalSet,
    LocalTee,
    I32Const,
    I64Const,
    Drop,
    Nop,
    /// Two integers to one.
    IntBinary,
    /// Two integers compared.
    IntCompare,
    /// An integer compared with zero.
    IntZero,
    /// Two floats to one.
    FloatBinary,
    /// Two floats compared.
    FloatCompare,
    /// One value to another.
    Unary,
    Load,
    Store,
    GlobalGet,
    GlobalSet,
    Block,
    Loop,
    If,
    End,
    Br,
    BrIf,
    Call,
    Return,
    Unreachable,
    /// Without a type of its own.
    Select,
}

impl Kind {
    /// The kind of an operator of one byte.
    pub const fn of(op: Op) -> Kind {
        match op {
            Op::LocalGet => Kind::LocalGet,
            Op::LocalSet => Kind::LocalSet,
            Op::LocalTee => Kind::LocalTee,
            Op::I32Const => Kind::I32Const,
            Op::I64Const => Kind::I64Const,
            Op::Drop => Kind::Drop,
            Op::GlobalGet => Kind::GlobalGet,
            Op::GlobalSet => Kind::GlobalSet,
            Op::Block => Kind::Block,
            Op::Loop => Kind::Loop,
            Op::If => Kind::If,
            Op::End => Kind::End,
            Op::Br => Kind::Br,
            Op::BrIf => Kind::BrIf,
            Op::Call => Kind::Call,
            Op::Return => Kind::Return,
            Op::Unreachable => Kind::Unreachable,
            Op::Select => Kind::Select,
            Op::Nop => Kind::Nop,
            Op::I32Eqz | Op::I64Eqz => Kind::IntZero,
            _ => Kind::by_signature(op),
        }
    }

    const fn by_signature(op: Op) -> Kind {
        match (op.imm(), op.signature()) {
            (Imm::MemArg(_), Signature::Fixed { results: [_], .. }) => Kind::Load,
            (Imm::MemArg(_), Signature::Fixed { results: [], .. }) => Kind::Store,
            (Imm::Nil, Signature::Fixed { params: [_], results: [_] }) => Kind::Unary,
            (Imm::Nil, Signature::Fixed { params: [_, _], results: [_] }) => match op.code() {
                // Comparisons have their codes in a row, those of integers first.
                0x45..0x5b => Kind::IntCompare,
                0x5b..0x67 => Kind::FloatCompare,
                0x67..0x8b => Kind::IntBinary,
                _ => Kind::FloatBinary,
            },
            _ => Kind::Other,
        }
    }
}
