//! Fusion of steps: sums of a slot and a constant that go to a slot, as pointers and counters make them, with each other
//! and with loads and stores beside them.

use super::super::Translator;
use super::super::emit::{Operand, Popped, fields_x};
use super::super::value::{Flushed, Last};
use super::Mirror;
use crate::code::inst::{Family, InstId, load_step, moves, pair};
use crate::table::ops::Op;
use crate::types::ValType;

const fn sum_of(op: Op) -> InstId {
    match Family::IntBinary.row_of(op) {
        Some(row) => Family::IntBinary.inst(row, pair::SLOT_IMM),
        None => panic!("no such operator"),
    }
}

pub(super) const STEP: InstId = sum_of(Op::I32Add);
const WIDE_STEP: InstId = sum_of(Op::I64Add);

/// Whether an op is a step.
#[inline(always)]
pub fn is_step(inst: InstId) -> bool {
    inst == STEP || inst == WIDE_STEP
}

impl Translator {
    /// If the op at `position`, the last one, is a step, and so is the one before, or it loads or stores: one op for
    /// both.
    pub fn fuse_step(&mut self, position: u32) {
        let Some(first) = self.before.0.get() else { return };
        let step = self.inst_at(position);
        if !self.last.is(position) || position != first + 2 || !is_step(step) {
            return;
        }
        let (before, one, two) = (self.inst_at(first), self.word_at(first + 1), self.word_at(position + 1));
        let (inst, words) = match before.parts() {
            _ if before == STEP && step == STEP => {
                let operands = one & 0xffff_ffff | two << 32;
                (Family::Moves.inst(0, moves::ADD_TWO), [operands, one >> 32 | two >> 32 << 32])
            }
            // Their entries in the map stay: they are at the same position.
            (Family::Load, row, 0) => {
                let variant = if step == STEP { load_step::LOAD_STEP } else { load_step::LOAD_WIDE_STEP };
                (Family::LoadStep.inst(row, variant), [one, two])
            }
            (Family::Store, row, variant @ (0 | 1)) if step == STEP => {
                (Family::StoreStep.inst(row, variant), [one, two])
            }
            _ => return,
        };
        self.retract(position);
        self.retract(first);
        let at = self.append(inst, &words);
        self.last = Last::new(at);
        self.flushed = Flushed::NONE;
        self.mirror = self.mirror.map(|mirror| Mirror { position: at, ..mirror });
    }

    /// If the op emitted last is a step: one op for it and a load from an address in a slot.
    pub fn fuse_step_load(&mut self, row: u16, address: Popped, offset: u32, ty: ValType) -> bool {
        let (Operand::Slot(slot), Some(position)) = (address.operand(), self.last.get()) else {
            return false;
        };
        let step = self.word_at(position + 1);
        let variant = match self.inst_at(position) {
            STEP if step & 0xffff == slot.field() => load_step::STEP_LOAD_THERE,
            STEP => load_step::STEP_LOAD,
            WIDE_STEP => load_step::WIDE_STEP_LOAD,
            _ => return false,
        };
        self.retract(position);
        // The op that takes its place leaves something else in the accumulator.
        self.mirror = None;
        let words = [fields_x(0, slot.field(), offset), step];
        self.produce(Family::LoadStep.inst(row, variant), &words, ty, true);
        true
    }
}
