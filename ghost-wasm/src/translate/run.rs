//! Gas: what is owed at each point of the code, and which op pays it.
//!
//! A *run* is code between two charges. `pending` is what its operators have cost so far and nobody has
//! paid. Ops that end a run pay it. At a label several paths meet and must agree, so nothing may be
//! pending: the path that falls into it has been paid for ahead on the edges where its run began, if all of
//! them are jumps that are known by then, else a charge op stands there. The label of a loop needs neither: it may
//! stand inside a run, because the jumps back to it come later and pay ahead for what the run had owed there.

use super::Translator;
use super::value::{Flushed, Last};
use crate::code::inst::{Family, control};
use crate::exec::ctx::Service;
use crate::exec::gas::METERED;
use crate::table::gas::{PER_VALUE_MAX, PRICE_MAX, WAITING_PRICE_MAX};

/// Ops between two charges at most: bounds the native stack where a call in tail position is a call.
/// Gas does not depend on it.
pub const HANDLERS_MAX: u32 = if cfg!(debug_assertions) { 64 } else { HANDLERS_MAX_TAIL };

/// The same where calls in tail position are jumps.
pub const HANDLERS_MAX_TAIL: u32 = 1_000;

/// With so much pending a charge is due; far below the cost field's range. Operators that only wait for others emit
/// nothing that would charge: see [`Translator::charge_what_waits`].
const PENDING_MAX: u64 = 1 << 24;

// What an op pays fits its field: what was pending when it was looked at last, the operator itself with what it moves,
// and the values that waited for it.
const _: () = {
    let (waited, moved) = ((WAITING_PRICE_MAX as u64) << 16, (PER_VALUE_MAX as u64) << 16);
    assert!(PENDING_MAX + PRICE_MAX as u64 + waited + moved < 1 << 30);
};

/// More edges than these do not pay ahead. With [`SETTLED_MAX`] it bounds how much a label can cost here.
const EDGES_MAX: usize = 64;

/// So many labels in a row may be paid for by the same edges: each patches all of them, and the map's entries.
const SETTLED_MAX: u32 = 8;

/// A run of code.
#[derive(Clone, Copy, Debug, Default)]
pub struct Run {
    /// Cost so far.
    pub pending: u64,
    /// Numbered within the body.
    pub number: u32,
    /// All edges on which the run began are known: `Translator::edges`.
    pub known: bool,
    /// How often they have paid ahead.
    pub settled: u32,
    /// Ops since the last charge.
    pub handlers: u32,
    /// The first entry in the map that these edges lead to.
    pub map_from: usize,
}

impl Translator {
    /// Adds to what is pending.
    #[inline(always)]
    pub fn owe(&mut self, cost: u32) {
        self.run.pending += u64::from(cost);
    }

    /// The cost for an op that ends the run. A new one begins, on no edge.
    pub fn pay(&mut self) -> u64 {
        let cost = self.run.pending;
        self.begin_run();
        cost
    }

    /// A run begins on the edge whose cost is in this field.
    pub fn begin_on_edge(&mut self, quarter: u32) {
        self.begin_run();
        self.run.known = true;
        self.edges.clear();
        self.edges.push(quarter);
    }

    /// A run begins where everything is paid.
    pub fn begin_run(&mut self) {
        let number = self.run.number + 1;
        self.run = Run { number, map_from: self.notes.len(), ..Run::default() };
    }

    /// The label of a loop was met, where nothing is pending. The run goes on behind it if its edges are known; else
    /// one begins whose edges never will be.
    pub fn begin_loop(&mut self) {
        if !self.run.known {
            // What falls into it has run on.
            let handlers = self.run.handlers;
            self.begin_run();
            self.run.handlers = handlers;
        }
    }

    /// Makes nothing be pending, because a label follows.
    pub fn settle(&mut self) {
        if self.run.pending == 0 {
            return;
        }
        let too_often = self.run.settled >= SETTLED_MAX;
        if !self.run.known || self.edges.is_empty() || too_often || self.run.pending >= PENDING_MAX {
            self.emit_charge();
            return;
        }
        let ahead = self.run.pending;
        for index in 0..self.edges.len() {
            let Some(&field) = self.edges.get(index) else { break };
            let cost = u64::from(self.quarter(field)) + ahead;
            self.set_quarter(field, cost as u32);
        }
        // So will the jumps back to the loops that were opened in this run.
        for frame in self.frames.iter_mut().rev().take_while(|frame| frame.run == self.run.number) {
            frame.ahead += ahead as u32;
        }
        // All that these edges lead to is paid for that much earlier.
        for entry in self.notes.get_mut(self.run.map_from..).unwrap_or_default() {
            entry.due -= ahead as i32;
        }
        self.run.pending = 0;
        self.run.settled += 1;
    }

    /// A label where nothing is pending: the run goes on (`falls`: from the op before it, too). The jumps to
    /// it are added one by one.
    pub fn meet(&mut self, falls: bool) {
        if !falls {
            self.edges.clear();
            self.begin_run();
            self.run.known = true;
        }
    }

    /// A jump to the label that was just met. Any edge may pay ahead for what follows, if all can.
    pub fn add_edge(&mut self, field: u32) {
        if self.run.known && self.edges.len() < EDGES_MAX {
            self.edges.push(field);
        } else {
            self.run.known = false;
            self.run.map_from = self.notes.len();
        }
    }

    /// A charge op for what is pending.
    pub fn emit_charge(&mut self) {
        let cost = self.pay();
        // Without gas the op would still be a dispatch; what is fused around it stays as it is.
        if METERED {
            let op = self.append(Family::Control.inst(0, control::CHARGE), &[0, cost]);
            self.begin_on_edge(op * 2 + 3);
        }
        self.last = Last::NONE;
        self.flushed = Flushed::NONE;
    }

    /// Before an op that would be one too many without a way out to the driver: an op that pays and leaves. A
    /// charge would not do: where nothing is pending it cannot fail, and the native stack would grow on.
    #[inline(always)]
    pub fn charge_if_due(&mut self) {
        if self.run.handlers >= self.handlers_max || self.run.pending >= PENDING_MAX {
            self.charge_now();
        }
    }

    /// The same before an operator that may emit nothing, but for constants and reads of locals, of which no more wait than
    /// there are slots.
    #[inline(always)]
    pub fn charge_what_waits(&mut self) {
        if self.run.pending >= PENDING_MAX {
            self.emit_charge();
        }
    }

    #[cold]
    #[inline(never)]
    fn charge_now(&mut self) {
        if self.run.handlers >= self.handlers_max {
            let cost = self.pay();
            self.append_service(Service::Pause, 0, 0, 0, cost);
            self.run.handlers = 0;
            self.last = Last::NONE;
            self.flushed = Flushed::NONE;
        } else {
            self.emit_charge();
        }
    }
}
