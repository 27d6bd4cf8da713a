//! Gas: what is owed at each point of the code, and which op pays it.
//!
//! A *run* is code between two charges. `pending` is what its operators have cost so far and nobody has
//! paid. Ops that end a run pay it. At a label several paths meet and must agree, so nothing may be
//! pending: the path that falls into it has been paid for ahead on the edge where its run began, if
//! that is the edge of a conditional op, else a charge op stands there.

use super::Translator;
use crate::code::inst::{Family, control};

/// Ops between two charges at most: bounds the native stack where a call in tail position is a call.
/// Gas does not depend on it.
const HANDLERS_MAX: u32 = if cfg!(debug_assertions) { 64 } else { 1_000 };

/// What may be pending at most; far below the cost field's range.
const PENDING_MAX: u64 = 1 << 24;

/// A run of code.
#[derive(Clone, Copy, Debug, Default)]
pub struct Run {
    /// Cost so far.
    pub pending: u64,
    /// The cost field (in quarters of words) of the edge where the run began.
    pub edge: Option<u32>,
    /// Ops since the last charge.
    pub handlers: u32,
    /// The run's first entry in the map.
    pub map_from: usize,
}

impl Translator {
    /// Adds to what is pending.
    pub fn owe(&mut self, cost: u32) {
        self.run.pending += u64::from(cost);
    }

    /// The cost for an op that ends the run. A new one begins, on no edge.
    pub fn pay(&mut self) -> u64 {
        let cost = self.run.pending;
        self.run = Run { map_from: self.map.len(), ..Run::default() };
        cost
    }

    /// A run begins on the edge whose cost is in this field.
    pub fn begin_on_edge(&mut self, quarter: u32) {
        self.run = Run { edge: Some(quarter), map_from: self.map.len(), ..Run::default() };
    }

    /// A run begins where everything is paid.
    pub fn begin_run(&mut self) {
        self.run = Run { map_from: self.map.len(), ..Run::default() };
    }

    /// Makes nothing be pending, because a label follows.
    pub fn settle(&mut self) {
        if self.run.pending == 0 {
            self.run.edge = None;
            self.run.map_from = self.map.len();
            return;
        }
        let Some(quarter) = self.run.edge.take() else {
            self.emit_charge();
            return;
        };
        let ahead = self.run.pending;
        let cost = u64::from(self.quarter(quarter)) + ahead;
        self.set_quarter(quarter, cost as u32);
        for entry in self.map.get_mut(self.run.map_from..).unwrap_or_default() {
            entry.due -= ahead as i32;
        }
        self.run.pending = 0;
        self.run.map_from = self.map.len();
    }

    /// A charge op for what is pending.
    pub fn emit_charge(&mut self) {
        let cost = self.pay();
        self.append(Family::Control.inst(0, control::CHARGE), &[0, cost]);
        self.last = None;
        self.flushed = None;
    }

    /// Whether another op would be one too many without a charge.
    pub fn charge_is_due(&self) -> bool {
        self.run.handlers >= HANDLERS_MAX || self.run.pending >= PENDING_MAX
    }
}
