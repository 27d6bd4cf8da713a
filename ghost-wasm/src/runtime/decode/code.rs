//! Steps for the code section. Operators are the one place where a step takes many items: the loop over
//! them is the decoder's hot path.

use super::{Decoder, State};
use crate::Error;
use crate::binary::cursor::{Cursor, Fault};
use crate::binary::instr::Instr;
use crate::binary::window::WINDOW;
use crate::binary::{entry, opcode};
use crate::table::errors::ErrorCode;
use crate::table::limits::Limit;
use crate::table::ops::Op;
use crate::table::work;
use crate::valid::env::{BodySink, OPERATORS_AT_ONCE};
use crate::valid::kind::Kind;
use crate::valid::quick::{Place, kind_of};

// So much work as operators are announced is done by no more of them.
const _: () = {
    let mut at = 0;
    while at < Op::ALL.len() {
        #[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
        let weight = work::weight(Op::ALL[at]);
        assert!(weight != 0, "an operator without work");
        at += 1;
    }
};

/// The last `left` of these bytes, less than a window, continued so that windows can be read up to the end: an immediate
/// that runs into what follows is too long for `valid/quick.rs`, and the general path finds that bytes are missing.
#[inline(always)]
fn continued(bytes: &[u8], left: usize) -> [u8; 2 * WINDOW] {
    let mut tail = [0xff; 2 * WINDOW];
    if let (Some(&last), Some(to)) = (bytes.last_chunk::<WINDOW>(), tail.first_chunk_mut::<WINDOW>()) {
        // Of a size that is known: shifted down, with ones above.
        let before = WINDOW.saturating_sub(left).saturating_mul(8);
        *to = (!(!u128::from_le_bytes(last) >> (before & 127))).to_le_bytes();
    } else if let (Some(to), Some(from)) =
        (tail.get_mut(..left), bytes.get(bytes.len().saturating_sub(left)..))
    {
        to.copy_from_slice(from);
    }
    tail
}

/// The kind of the operator at a place.
#[inline(always)]
fn kind_at(bytes: &[u8], at: usize) -> Kind {
    bytes.get(at).map_or(Kind::Other, |&byte| kind_of(byte))
}

impl<S: BodySink> Decoder<S> {
    pub(super) fn body_header(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let Some((size, len)) = self.read(bytes, |c| c.u32())? else { return Ok(0) };
        self.check_fits(size, len, ErrorCode::UnexpectedEndOfSection)?;
        self.rules.check(Limit::BodyBytes, size.into(), self.offset)?;
        self.count_work(work::BODY);
        self.take(len);
        let func = self.data.env.imported_funcs.saturating_add(self.bodies_begun);
        self.bodies_begun = self.bodies_begun.saturating_add(1);
        self.body_end = Some(self.offset.wrapping_add(size.into()));
        self.body.begin(&self.data.env, func);
        self.sink.begin(&self.data.env, func, self.offset32())?;
        self.state = State::LocalsCount;
        Ok(len)
    }

    pub(super) fn locals_count(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let Some((left, len)) = self.read(bytes, |c| c.u32())? else { return Ok(0) };
        self.take(len);
        self.next_locals(left)?;
        Ok(len)
    }

    fn next_locals(&mut self, left: u32) -> Result<(), Error> {
        if left == 0 {
            self.body.locals_done(&self.data.env, &mut self.sink)?;
            self.state = State::Operators;
        } else {
            self.state = State::Locals { left };
        }
        Ok(())
    }

    pub(super) fn locals(&mut self, bytes: &[u8], left: u32) -> Result<usize, Error> {
        let features = self.rules.features;
        let (mut left, mut taken) = (left, 0_usize);
        while let rest = bytes.get(taken..).unwrap_or_default()
            && let Some(((count, ty), len)) =
                self.read(rest, |c| Ok((c.u32()?, entry::val_type(c, features)?)))?
        {
            let offset = self.offset32();
            self.body.locals(count, ty, offset)?;
            self.count_work(work::LOCAL_RUN);
            taken = taken.wrapping_add(self.take(len));
            left = left.saturating_sub(1);
            self.next_locals(left)?;
            if left == 0 || self.work() >= self.work_stop {
                break;
            }
        }
        Ok(taken)
    }

    /// Goes on with the body's operators if it has no locals, of which `took` bytes tell: one step less for most bodies.
    pub(super) fn first_operators(&mut self, bytes: &[u8], took: usize) -> Result<usize, Error> {
        if self.state != State::Operators {
            return Ok(took);
        }
        let rest = bytes.get(took..).unwrap_or_default();
        Ok(took.wrapping_add(self.operators(rest)?))
    }

    /// Takes operators until the bytes, the body or the call's work are used up, or a `br_table` begins.
    #[inline]
    pub(super) fn operators(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let (took, stopped) = match bytes.len() {
            // Less than a window: short bodies.
            ..WINDOW => (0, false),
            len => self.operators_ahead(bytes, len)?,
        };
        let left = bytes.len().saturating_sub(took);
        if stopped || left == 0 {
            return Ok(took);
        }
        // Of the body, more is to come: what is left is read with it.
        if !self.ended && self.container_left() != Some(left as u64) {
            self.starved = true;
            return Ok(took);
        }
        self.last_operators(bytes, left)
    }

    /// Takes the last `left` of the bytes, too, which are less than a window.
    #[inline(never)]
    fn last_operators(&mut self, bytes: &[u8], left: usize) -> Result<usize, Error> {
        let (took, _) = self.operators_ahead(&continued(bytes, left), left)?;
        Ok(bytes.len().saturating_sub(left).wrapping_add(took))
    }

    /// Takes operators that begin where a window can be read, if it is operators that come: those before a cut. 0 bytes: it
    /// is not that, or longer. All of `bytes` belong to the body.
    pub(in super::super) fn split_operator(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        if self.state != State::Operators {
            return Ok(0);
        }
        let (took, _) = self.operators_ahead(bytes, bytes.len())?;
        self.sink.bytes(bytes.get(..took).unwrap_or_default());
        Ok(took)
    }

    /// The same for the first `len` bytes of `ahead`, or as long as windows can be read there; says whether it was
    /// not for them that it stopped.
    #[inline(never)]
    fn operators_ahead(&mut self, ahead: &[u8], len: usize) -> Result<(usize, bool), Error> {
        let features = self.rules.features;
        let stop = self.work_stop.saturating_sub(self.work);
        let mut next_look = self.look_ahead(stop, ahead.len())?;
        let mut rest = ahead;
        // Offsets and lengths are counted from the end, where they follow from what is left.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "no more than is left of a body, whose size is a u32"
        )]
        let end = self.offset32().wrapping_add(ahead.len() as u32);
        let at = |rest: &[u8]| ahead.len().wrapping_sub(rest.len());
        let mut kind = kind_at(rest, 0);
        while let Some(window) = rest.first_chunk() {
            #[expect(clippy::cast_possible_truncation, reason = "as above")]
            let place = Place { end, left: rest.len() as u32 };
            if S::QUICK
                && let Some(taken) =
                    self.body.quick(&self.data.env, features, (kind, window), place, &mut self.sink)?
            {
                kind = taken.next;
                self.sink.height(self.body.height())?;
                rest = rest.get(taken.len()..).unwrap_or_default();
                if self.body.work() >= next_look {
                    if self.body.work() >= stop {
                        return Ok((self.take(at(rest)), true));
                    }
                    next_look = self.look_ahead(stop, rest.len())?;
                }
                continue;
            }
            let from = at(rest);
            let (taken, goes_on) =
                self.operator(ahead.get(from..len).unwrap_or_default(), from, place.offset())?;
            if !goes_on {
                return Ok((from.wrapping_add(taken), true));
            }
            rest = rest.get(taken..).unwrap_or_default();
            kind = kind_at(rest, 0);
            if self.body.work() >= next_look {
                next_look = self.look_ahead(stop, rest.len())?;
            }
        }
        Ok((self.take(at(rest)), false))
    }

    /// Announces operators to the sink, up to where the body's work has to be looked at again: one comparison for both.
    #[inline(never)]
    fn look_ahead(&mut self, stop: u64, bytes: usize) -> Result<u64, Error> {
        // An operator has a byte, and a unit of work.
        let operators = bytes.clamp(1, OPERATORS_AT_ONCE);
        self.sink.ahead(operators)?;
        Ok(stop.min(self.body.work().saturating_add(operators as u64)))
    }

    /// An operator of any kind, behind `before` bytes that were not counted yet: its length, and whether operators go on
    /// behind it. If not, all bytes are counted.
    #[inline(never)]
    fn operator(&mut self, bytes: &[u8], before: usize, offset: u32) -> Result<(usize, bool), Error> {
        if S::QUICK
            && let Some(len) = self.body.long(&self.data.env, bytes, offset, &mut self.sink)?
        {
            self.sink.height(self.body.height())?;
            let goes_on = self.work() < self.work_stop;
            if !goes_on {
                self.take(before.wrapping_add(len));
            }
            return Ok((len, goes_on));
        }
        let mut c = Cursor::new(bytes);
        let mut instr = Instr::plain(Op::Nop);
        let op = match opcode::instr_into(&mut c, self.rules.features, &mut instr) {
            Ok(op) => op,
            Err(Fault::More) => {
                self.take(before);
                return Ok((0, false));
            }
            Err(Fault::Bad(code)) => return Err(self.refuse(code, bytes, c.consumed(), offset.into())),
        };
        let ended = self.body.instr(&self.data.env, op, &instr, offset)?;
        self.sink.instr(&self.data.env, &instr, offset)?;
        self.sink.height(self.body.height())?;
        let len = c.consumed();
        if !ended && op != Op::BrTable && self.work() < self.work_stop {
            return Ok((len, true));
        }
        self.take(before.wrapping_add(len));
        if ended {
            self.end_body()?;
        } else if op == Op::BrTable {
            self.state = State::BrTable { left: instr.x };
        }
        Ok((len, false))
    }

    /// Takes targets until the bytes, the table or the call's work are used up.
    pub(super) fn br_table_targets(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let mut taken = 0_usize;
        while let State::BrTable { left } = self.state
            && let rest = bytes.get(taken..).unwrap_or_default()
            && let len @ 1.. = self.br_table_target(rest, left)?
        {
            taken = taken.wrapping_add(len);
            if self.work() >= self.work_stop {
                break;
            }
        }
        Ok(taken)
    }

    #[inline]
    fn br_table_target(&mut self, bytes: &[u8], left: u32) -> Result<usize, Error> {
        let Some((label, len)) = self.read(bytes, |c| c.u32())? else { return Ok(0) };
        let (offset, default) = (self.offset32(), left == 0);
        // A body with less room than its labels to come and the ends of its open blocks need is cut short,
        // which comes before what its labels mean.
        let behind = self.container_left().unwrap_or(0).saturating_sub(len as u64);
        if behind < u64::from(left).saturating_add(self.body.open_blocks()) {
            return Err(self.error(ErrorCode::UnexpectedEndOfSection));
        }
        self.body.br_table_target(&self.data.env, label, default, offset)?;
        self.sink.br_table_target(&self.data.env, label, default, offset)?;
        self.state = if default { State::Operators } else { State::BrTable { left: left.saturating_sub(1) } };
        Ok(self.take(len))
    }

    fn end_body(&mut self) -> Result<(), Error> {
        if self.body_end != Some(self.offset) {
            return Err(self
                .error(ErrorCode::SectionSizeMismatch)
                .with_detail("bytes behind the end of a body"));
        }
        self.body_end = None;
        self.sink.finish(&self.data.env)?;
        self.bodies = self.bodies.saturating_add(1);
        self.next_entry()
    }
}
