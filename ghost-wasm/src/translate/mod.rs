//! Translation: validated operators to internal code, in one pass, body by body. Knows nothing of stores
//! or bytes.
//!
//! Operands live in registers of three kinds: slots of the frame, two accumulators, immediates in the code.
//! `local.get` and constants emit nothing; they wait on the translator's model of the operand stack until an
//! operator takes them up. A result goes to an accumulator at first; if it must be elsewhere, the operator
//! that made it is patched. `stack.rs` keeps that model, `run.rs` the gas, `control.rs` labels, `branch.rs` branches
//! and calls, `tail.rs` tail calls, `wide.rs` operators with two results, `places.rs` globals and locals,
//! `ops.rs` everything else, `rows.rs` tables by operator, `fuse/` the ops that do the work of several, `value.rs` what
//! the model's values are made of, `room.rs` the room for all of it.

mod branch;
mod control;
mod emit;
mod fuse;
mod ops;
mod places;
mod room;
mod rows;
mod run;
mod slots;
mod stack;
mod tail;
mod value;
mod wide;

use alloc::vec::Vec;
use core::ops::Range;

use crate::Error;
use crate::binary::instr::Instr;
use crate::code::map::{CodeMap, MapEntry};
use crate::code::module::{ModuleCode, PART_WORDS, RecordDraft};
use crate::code::record::RECORDS_MAX;
use crate::exec::dispatch;
use crate::table::gas::{GasClass, Schedule};
use crate::table::limits::Limit;
use crate::table::ops::Op;
use crate::types::ValType;
use crate::valid::env::{BodySink, ModuleEnv};
use crate::valid::kind::Kind;
use crate::valid::locals::Locals;

use control::{Frame, PendingTable};
use fuse::Mirror;
use room::RoomyTo;
use run::Run;
use slots::Slots;
use stack::Stack;
use value::{Flushed, Last};

/// The highest local that one byte can name.
const ONE_BYTE_LOCALS: u32 = 0x7f;

/// Translates the bodies of one module.
#[derive(Debug)]
pub struct Translator {
    schedule: Schedule,
    slots_max: u32,
    handlers_max: u32,
    /// Code of all bodies so far; the first word of an op is its number until the body is linked.
    code: Vec<u64>,
    map: CodeMap,
    records: Vec<RecordDraft>,
    /// The parts that are complete: what these three lists had before.
    parts: ModuleCode,
    /// Leave instruction numbers in the code, for disassembly.
    canonical: bool,
    /// Stop before each op, and keep the numbers here.
    #[cfg(feature = "internals")]
    numbers: Option<Vec<u16>>,
    // What follows is of the body at hand.
    func: u32,
    start: usize,
    params: u32,
    locals: Locals,
    slots: Slots,
    stack: Stack,
    /// Ops of the body that can trap or call.
    notes: Vec<MapEntry>,
    frames: Vec<Frame>,
    run: Run,
    /// The edges on which the run began: the fields (in quarters of words) to which what they pay ahead is added.
    edges: Vec<u32>,
    /// The op emitted last, if the next one may still be fused with it.
    last: Last,
    /// A value that the last op forced out of its accumulator: op that made it, entry.
    flushed: Flushed,
    /// The two above as they were before the last op.
    before: (Last, Flushed),
    /// The last op has put its result into a slot, but an accumulator has it too.
    mirror: Option<Mirror>,
    /// The last op's result belongs to the float accumulator.
    made_float: bool,
    /// The code at hand can be reached. Not before the first operator, which opens the body.
    reachable: bool,
    /// Blocks opened in unreachable code.
    dead_blocks: u32,
    table: Option<PendingTable>,
    /// Labels of the `br_table` that need moves first, by frame.
    stubs: Vec<u32>,
    offset: u32,
    begun: bool,
    /// Where the code section is in the module.
    section: Range<u64>,
    /// Where the part at hand begins there.
    part_from: u64,
    roomy_to: RoomyTo,
}

impl Translator {
    /// A translator for a module of a profile with this schedule; frames have at most `slots_max` slots.
    pub fn new(schedule: &Schedule, slots_max: u32) -> Translator {
        Translator {
            schedule: schedule.clone(),
            slots_max,
            handlers_max: run::HANDLERS_MAX,
            code: Vec::new(),
            map: CodeMap::default(),
            records: Vec::new(),
            parts: ModuleCode::default(),
            canonical: false,
            #[cfg(feature = "internals")]
            numbers: None,
            func: 0,
            start: 0,
            params: 0,
            locals: Locals::new(),
            slots: Slots::default(),
            stack: Stack::default(),
            notes: Vec::new(),
            frames: Vec::new(),
            run: Run::default(),
            edges: Vec::new(),
            last: Last::NONE,
            flushed: Flushed::NONE,
            before: (Last::NONE, Flushed::NONE),
            mirror: None,
            made_float: false,
            reachable: false,
            dead_blocks: 0,
            table: None,
            stubs: Vec::new(),
            offset: 0,
            begun: false,
            section: 0..0,
            part_from: 0,
            roomy_to: RoomyTo::default(),
        }
    }

    /// Leaves instruction numbers in the code, for disassembly. Such code must not run.
    #[cfg(feature = "internals")]
    pub fn canonical(mut self) -> Translator {
        self.canonical = true;
        self
    }

    /// Makes code that stops before each op: see `exec/step.rs`.
    #[cfg(feature = "internals")]
    pub fn stepping(mut self, yes: bool) -> Translator {
        self.numbers = yes.then(Vec::new);
        if yes {
            // No op calls the next one: the same code in every build.
            self.handlers_max = run::HANDLERS_MAX_TAIL;
        }
        self
    }

    /// The bodies so far. The translator can go on with others.
    pub fn take_code(&mut self) -> Result<ModuleCode, Error> {
        self.end_part()?;
        Ok(core::mem::take(&mut self.parts).complete())
    }

    /// What there is of the part at hand is all of it; the next body begins another.
    #[cold]
    #[inline(never)]
    fn end_part(&mut self) -> Result<(), Error> {
        if self.records.is_empty() {
            return Ok(());
        }
        self.parts
            .add(
                &mut self.code,
                &mut self.records,
                &mut self.map,
                #[cfg(feature = "internals")]
                self.numbers.as_mut().map(core::mem::take).unwrap_or_default(),
            )
            .map_err(room::refused)
    }

    /// The first operator of a body: its locals are known.
    #[cold]
    #[inline(never)]
    fn open_body(&mut self, env: &ModuleEnv) -> Result<(), Error> {
        self.begun = true;
        self.reachable = true;
        self.slots.open(self.locals.count(), self.slots_max);
        if self.slots.overflow() {
            return Err(self.frame_too_large());
        }
        self.stack.open();
        // All locals that one byte can name may be read.
        self.let_read(ONE_BYTE_LOCALS)?;
        // Up to where values can wait is the frame's.
        self.make_more_room()?;
        self.run = Run::default();
        self.run.pending = u64::from(self.schedule.enter_cost(self.declared()));
        let results = env.func_type(self.func).map_or(0, |ty| ty.results().len());
        self.frames.push(Frame::function(results));
        Ok(())
    }

    /// Entries may read a local.
    #[inline(always)]
    fn let_read(&mut self, local: u32) -> Result<(), Error> {
        if self.stack.has_reader(local) {
            return Ok(());
        }
        self.stack.more_readers(local).map_err(room::refused)
    }

    /// Puts handlers into the body at hand.
    fn link(&mut self) {
        let Some(body) = self.code.get_mut(self.start..) else { return };
        #[cfg(feature = "internals")]
        if let Some(numbers) = &mut self.numbers {
            numbers.extend(body.iter().map(|&word| word as u16));
            return crate::exec::step::link(body);
        }
        if !self.canonical {
            dispatch::link(body);
        }
    }

    /// Whether a value that only waits can be pushed as it is.
    #[inline(always)]
    fn can_wait(&self) -> bool {
        self.reachable && self.stack.height() < self.roomy_to.waiting
    }

    #[cold]
    #[inline(never)]
    fn frame_too_large(&self) -> Error {
        Error::limit(Limit::FrameSlots, u64::from(self.slots_max)).with_offset(u64::from(self.offset))
    }

    #[cold]
    #[inline(never)]
    fn body_too_long(&self) -> Error {
        let offset = u64::from(self.offset);
        Error::limit(Limit::BodyBytes, offset.saturating_sub(self.section.start)).with_offset(offset)
    }

    /// Locals without parameters.
    fn declared(&self) -> u32 {
        self.locals.count().saturating_sub(self.params)
    }

    /// Where it cannot be reached, or is the first of a body.
    #[cold]
    #[inline(never)]
    fn unusual(&mut self, env: &ModuleEnv, instr: Instr, offset: u32) -> Result<(), Error> {
        self.instr(env, &instr, offset)
    }

    fn check(&self) -> Result<(), Error> {
        if self.slots.overflow() { Err(self.frame_too_large()) } else { Ok(()) }
    }
}

// What `local_get` and `constant` charge is what the table says.
const _: () = assert!(matches!(Op::LocalGet.class(), GasClass::Local));
const _: () = assert!(matches!(Op::I32Const.class(), GasClass::Const));
const _: () = assert!(matches!(Op::I64Const.class(), GasClass::Const));

impl BodySink for Translator {
    fn code(&mut self, start: u64, end: u64) {
        self.section = start..end;
        self.part_from = start;
    }

    fn begin(&mut self, env: &ModuleEnv, func: u32, offset: u32) -> Result<(), Error> {
        if env.funcs.len() > RECORDS_MAX {
            return Err(Error::limit(Limit::Functions, RECORDS_MAX as u64).with_offset(u64::from(offset)));
        }
        self.func = func;
        self.offset = offset;
        if self.code.len() >= PART_WORDS {
            self.parts.make_room_for(self.records.len(), env.functions_declared()).map_err(room::refused)?;
            self.end_part()?;
            self.part_from = u64::from(offset);
            self.make_room_for_part()?;
        }
        self.start = self.code.len();
        self.notes.clear();
        self.frames.clear();
        self.last = Last::NONE;
        self.flushed = Flushed::NONE;
        self.before = (Last::NONE, Flushed::NONE);
        self.mirror = None;
        self.reachable = false;
        self.dead_blocks = 0;
        self.table = None;
        self.stubs.clear();
        self.begun = false;
        self.locals.start(env.func_type(func));
        self.params = self.locals.count();
        Ok(())
    }

    fn locals(&mut self, _: &ModuleEnv, count: u32, ty: ValType) -> Result<(), Error> {
        match self.locals.push(count, ty) {
            Some(()) if self.locals.count() <= self.slots_max => Ok(()),
            _ => Err(self.frame_too_large()),
        }
    }

    fn ahead(&mut self, operators: usize) -> Result<(), Error> {
        self.make_room_ahead(operators)
    }

    // Half of all operators only wait for another to take them up: those stay in the decoder's loop.
    #[inline(always)]
    fn local_get(
        &mut self,
        env: &ModuleEnv,
        local: u32,
        ty: Option<ValType>,
        offset: u32,
    ) -> Result<(), Error> {
        if self.can_wait() && self.stack.has_reader(local) {
            self.owe(self.schedule.class(GasClass::Local));
            self.push_local(local, ty.unwrap_or_else(|| self.local_type(local)));
            return Ok(());
        }
        self.instr(env, &Instr { x: local, ..Instr::plain(Op::LocalGet) }, offset)
    }

    #[inline(always)]
    fn constant(&mut self, env: &ModuleEnv, ty: ValType, value: u64, offset: u32) -> Result<(), Error> {
        if self.can_wait() {
            self.owe(self.schedule.class(GasClass::Const));
            self.push_const(value, ty);
            return Ok(());
        }
        let op = if ty == ValType::I32 { Op::I32Const } else { Op::I64Const };
        self.instr(env, &Instr { z: value, ..Instr::plain(op) }, offset)
    }

    // The decoder's branch by the kind is the only one.
    #[inline(always)]
    fn of_kind(&mut self, env: &ModuleEnv, kind: Kind, instr: &Instr, offset: u32) -> Result<(), Error> {
        if !self.reachable {
            return self.unusual(env, *instr, offset);
        }
        self.offset = offset;
        if rows::may_push_more(kind) {
            self.make_room()?;
        } else {
            self.make_room_for_code()?;
        }
        let room = self.room();
        self.operator_of(env, kind, instr);
        debug_assert_eq!(room, self.room(), "an operator needs more room than is made for it");
        if rows::may_push_more(kind) { self.check() } else { Ok(()) }
    }

    #[inline(never)]
    fn instr(&mut self, env: &ModuleEnv, instr: &Instr, offset: u32) -> Result<(), Error> {
        self.offset = offset;
        if !self.begun {
            self.open_body(env)?;
        }
        if matches!(instr.op, Op::LocalGet | Op::LocalTee) && self.reachable {
            self.let_read(instr.x)?;
        }
        self.make_room()?;
        let room = self.room();
        self.operator(env, instr);
        debug_assert_eq!(room, self.room(), "an operator needs more room than is made for it");
        self.check()
    }

    fn br_table_target(&mut self, _: &ModuleEnv, label: u32, default: bool, _: u32) -> Result<(), Error> {
        if self.reachable {
            self.make_room_for_target()?;
            let room = self.room();
            self.table_target(label);
            debug_assert_eq!(room, self.room(), "a target needs more room than is made for it");
            if default {
                self.close_table()?;
            }
        }
        self.check()
    }

    fn finish(&mut self, _: &ModuleEnv) -> Result<(), Error> {
        self.link();
        self.map.add(&self.notes).map_err(room::refused)?;
        self.records.push(RecordDraft {
            start: self.start as u32,
            frame_slots: self.slots.frame_slots(),
            zero_from: self.params as u16,
            zero_count: self.declared() as u16,
            enter_cost: self.schedule.enter_cost(self.declared()),
            func: self.func,
        });
        Ok(())
    }
}
