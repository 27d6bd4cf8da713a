//! Values of the operand stack, packed into two words each. They are pushed, popped and handed on as whole words: a
//! value is mostly popped a few instructions after it was pushed, and processors hand on what was just stored only to
//! loads of the same width. Knows nothing of what values are for.

use super::slots::SlotIdx;
use crate::types::ValType;

/// An operand that was taken off the stack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operand {
    /// In a slot.
    Slot(SlotIdx),
    /// A constant.
    Const(u64),
    /// In the integer accumulator; the op that put it there.
    Acc(u32),
    /// In the float accumulator; likewise.
    FloatAcc(u32),
}

/// Which operand, as a number.
pub const SLOT: usize = 0;
pub const CONST: usize = 1;
pub const ACC: usize = 2;
pub const FLOAT_ACC: usize = 3;

/// Value types by the low bits of their complemented bytes.
static TYPES: [ValType; 32] = {
    let mut types = [ValType::I32; 32];
    let mut index = 0;
    while index < 32 {
        if let Some(ty) = ValType::from_byte(0x7f - index as u8) {
            types[index] = ty;
        }
        index += 1;
    }
    types
};

/// An operand with its type and the height it had; or, of an entry of the stack, with what links it to others.
#[derive(Clone, Copy, Debug)]
pub struct Popped {
    /// A slot, a constant, an op's position.
    payload: u64,
    /// From the lowest bits: which operand (2), the type (5, from [`TYPE`]), whether a local is still to be read
    /// ([`READS`]), the height or the link (32, from [`HIGH`]).
    meta: u64,
}

const KIND_MASK: u64 = 3;
const TYPE: u32 = 8;
const TYPE_MASK: u64 = 31 << TYPE;
const READS: u32 = 16;
const HIGH: u32 = 32;

/// A type's part of what is said of an operand.
#[inline(always)]
fn type_bits(ty: ValType) -> u64 {
    u64::from(0x7f - ty as u8) << TYPE
}

impl Popped {
    #[inline(always)]
    pub fn new(operand: Operand, ty: ValType, height: usize) -> Popped {
        let (kind, payload) = match operand {
            Operand::Slot(slot) => (SLOT, slot.field()),
            Operand::Const(value) => (CONST, value),
            Operand::Acc(position) => (ACC, u64::from(position)),
            Operand::FloatAcc(position) => (FLOAT_ACC, u64::from(position)),
        };
        Popped { payload, meta: kind as u64 | type_bits(ty) | (height as u64) << HIGH }
    }

    /// The number of its operand's kind.
    #[inline(always)]
    pub fn kind(self) -> usize {
        (self.meta & KIND_MASK) as usize
    }

    /// Whether it is in one of the accumulators.
    #[inline(always)]
    pub fn is_made(self) -> bool {
        const { assert!(SLOT & ACC == 0 && CONST & ACC == 0 && FLOAT_ACC & ACC != 0) };
        self.kind() & ACC != 0
    }

    /// Whether it is a constant.
    #[inline(always)]
    pub fn is_const(self) -> bool {
        self.kind() == CONST
    }

    /// A slot's number, a constant, an op's position.
    #[inline(always)]
    pub fn payload(self) -> u64 {
        self.payload
    }

    #[inline(always)]
    pub fn operand(self) -> Operand {
        match self.kind() {
            SLOT => Operand::Slot(SlotIdx::of_field(self.payload)),
            CONST => Operand::Const(self.payload),
            ACC => Operand::Acc(self.payload as u32),
            _ => Operand::FloatAcc(self.payload as u32),
        }
    }

    #[inline(always)]
    pub fn ty(self) -> ValType {
        TYPES[(self.meta >> TYPE & 31) as usize]
    }

    #[inline(always)]
    pub fn height(self) -> usize {
        (self.meta >> HIGH) as usize
    }

    /// The same value elsewhere.
    #[inline(always)]
    pub fn at(self, operand: Operand) -> Popped {
        Popped::new(operand, self.ty(), self.height())
    }
}

/// An op's position, or none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Last(u32);

impl Last {
    pub const NONE: Last = Last(u32::MAX);

    #[inline(always)]
    pub fn new(position: u32) -> Last {
        Last(position)
    }

    #[inline(always)]
    pub fn get(self) -> Option<u32> {
        (self != Last::NONE).then_some(self.0)
    }

    #[inline(always)]
    pub fn is(self, position: u32) -> bool {
        self.0 == position
    }
}

/// An op and the entry of the stack that it made; or none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flushed(u64);

impl Flushed {
    pub const NONE: Flushed = Flushed(u64::MAX);

    #[inline(always)]
    pub fn new(made_by: u32, entry: u32) -> Flushed {
        Flushed(u64::from(made_by) | u64::from(entry) << 32)
    }

    #[inline(always)]
    pub fn get(self) -> Option<(u32, u32)> {
        (self != Flushed::NONE).then_some((self.0 as u32, (self.0 >> 32) as u32))
    }
}

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loc {
    /// In its own slot.
    Own,
    /// Still to be read from a local.
    Local(u32),
    /// A constant: integers sign-extended to 64 bits, floats as their bits.
    Const(u64),
    /// In an accumulator; the op that put it there.
    Acc(u32),
}

/// An entry of the operand stack: what will be popped, so that no step of popping depends on what it is.
#[derive(Clone, Copy, Debug)]
pub struct Entry(Popped);

impl Entry {
    /// A value that is in its own slot, a constant, or in an accumulator.
    #[inline(always)]
    pub fn new(operand: Operand, ty: ValType) -> Entry {
        Entry(Popped::new(operand, ty, 0))
    }

    /// A value that is still to be read from a local; the next lower entry that reads it.
    #[inline(always)]
    pub fn reading(slot: SlotIdx, ty: ValType, link: u32) -> Entry {
        let Popped { payload, meta } = Popped::new(Operand::Slot(slot), ty, link as usize);
        Entry(Popped { payload, meta: meta | 1 << READS })
    }

    /// A value that is in a slot: the number of one that the frame may have.
    #[inline(always)]
    pub fn in_slot(slot: u64, ty: ValType) -> Entry {
        Entry(Popped { payload: slot, meta: SLOT as u64 | type_bits(ty) })
    }

    /// The same value in its own slot.
    #[inline(always)]
    pub fn settled(self, slot: SlotIdx) -> Entry {
        Entry(Popped { payload: slot.field(), meta: SLOT as u64 | self.0.meta & TYPE_MASK })
    }

    #[inline(always)]
    pub fn ty(self) -> ValType {
        self.0.ty()
    }

    /// As it is taken off the stack.
    #[inline(always)]
    pub fn popped(self, height: usize) -> Popped {
        let Popped { payload, meta } = self.0;
        Popped { payload, meta: meta & ((1 << READS) - 1) | (height as u64) << HIGH }
    }

    /// One more than the local that is still to be read; 0 for all else.
    #[inline(always)]
    pub fn reader(self) -> usize {
        let reads = self.0.meta >> READS & 1;
        (self.0.payload.wrapping_add(1) & reads.wrapping_neg()) as usize
    }

    /// The next lower entry that reads the same local.
    #[inline(always)]
    pub fn link(self) -> u32 {
        (self.0.meta >> HIGH) as u32
    }

    /// Where it is now, be it still to be read from there.
    #[inline(always)]
    pub fn operand(self) -> Operand {
        self.0.operand()
    }

    pub fn loc(self) -> Loc {
        match self.0.operand() {
            Operand::Slot(_) => {
                self.reader().checked_sub(1).map_or(Loc::Own, |local| Loc::Local(local as u32))
            }
            Operand::Const(value) => Loc::Const(value),
            Operand::Acc(position) | Operand::FloatAcc(position) => Loc::Acc(position),
        }
    }

    /// Whether it is in its own slot.
    #[inline(always)]
    pub fn is_own(&self) -> bool {
        self.0.kind() == SLOT && self.0.meta >> READS & 1 == 0
    }
}
