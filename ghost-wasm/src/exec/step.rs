//! One op at a time: code in which every op first leaves to the driver, which notes what is next and then has
//! it run. Counts dispatches, so that a lost fusion shows without a clock. For tests and tools.

use alloc::collections::BTreeMap;

use super::ctx::{Ctx, Exit};
use super::dispatch::handler_of;
use super::exits::exit;
use super::regs::{Handler, Raw, Regs, handler};
use super::view::Word;
use crate::code::inst::InstId;

handler! {
    /// Leaves the op for the driver to start.
    fn step [] (r) {
        exit(r, Exit::Step)
    }
}

/// Makes finished code stop before each of its ops. The numbers of the ops, by position, are what
/// [`Ctx::run_op`] needs.
pub fn link(code: &mut [u64]) {
    let mut at = 0;
    while let Some(rest) = code.get_mut(at..) {
        let Some(&first) = rest.first() else { return };
        let words = InstId(first as u16).words(rest);
        if let Some(word) = rest.first_mut() {
            *word = step as Handler as usize as u64;
        }
        at += words;
    }
}

impl Ctx {
    /// Runs the op at `ip`, which is `inst`, and on to the next that stops.
    pub fn run_op(&mut self, inst: InstId) -> Exit {
        // `inst` is what the translator put there: the caller takes it from the module's own list.
        self.run_from(|regs| regs.leave(handler_of(inst)))
    }
}

/// How often each op followed each other one.
#[derive(Clone, Debug, Default)]
pub struct Steps {
    /// By the op before and the op.
    pub pairs: BTreeMap<(u16, u16), u64>,
    last: u16,
}

impl Steps {
    /// Notes an op.
    pub fn note(&mut self, inst: InstId) {
        *self.pairs.entry((self.last, inst.0)).or_default() += 1;
        self.last = inst.0;
    }

    /// How many ops there were.
    pub fn total(&self) -> u64 {
        self.pairs.values().sum()
    }
}
