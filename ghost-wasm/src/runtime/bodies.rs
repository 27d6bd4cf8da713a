//! Bodies that are kept as bytes, because their translation waits for a call. They are valid; what the
//! translator would refuse besides is refused here, at the same operator. Knows nothing of stores.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::Error;
use crate::binary::cursor::{Cursor, Read};
use crate::binary::instr::Instr;
use crate::binary::window::{self, Value};
use crate::binary::{entry, opcode};
use crate::heap;
use crate::table::errors::ErrorCode;
use crate::table::features::FeatureSet;
use crate::table::limits::Limit;
use crate::table::ops::Op;
use crate::types::ValType;
use crate::valid::env::{BodySink, ModuleEnv, OPERATORS_AT_ONCE};

/// Where a body starts.
#[derive(Clone, Copy, Debug)]
struct Body {
    /// Among the bytes that are kept.
    start: usize,
    /// In the module.
    offset: u32,
}

/// The bodies of a module.
#[derive(Debug)]
pub struct Bodies {
    bytes: Box<[u8]>,
    bodies: Box<[Body]>,
}

/// What was validated is read again.
fn reread<T>(read: Read<T>) -> Result<T, Error> {
    read.map_err(|_| Error::new(ErrorCode::Internal))
}

impl Bodies {
    /// Bytes of memory that they have allocated.
    pub fn heap_bytes(&self) -> u64 {
        heap::boxed(&*self.bytes) + heap::boxed(&*self.bodies)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.bodies.len()
    }

    /// Tells `sink` about the body of function number `defined` (without imported ones), as the decoder did.
    pub fn replay(
        &self,
        env: &ModuleEnv,
        features: FeatureSet,
        defined: u32,
        sink: &mut impl BodySink,
    ) -> Result<(), Error> {
        let number = defined as usize;
        let body = self.bodies.get(number).ok_or_else(|| Error::new(ErrorCode::Internal))?;
        let end = self.bodies.get(number + 1).map_or(self.bytes.len(), |next| next.start);
        let mut c = Cursor::new(self.bytes.get(body.start..end).unwrap_or_default());
        sink.begin(env, env.imported_funcs + defined, body.offset)?;
        for _ in 0..reread(c.u32())? {
            let (count, ty) = (reread(c.u32())?, reread(entry::val_type(&mut c, features))?);
            sink.locals(env, count, ty)?;
        }
        let mut instr = Instr::plain(Op::Nop);
        let mut ahead = 0;
        while !c.rest().is_empty() {
            if ahead == 0 {
                ahead = OPERATORS_AT_ONCE.min(c.rest().len());
                sink.ahead(ahead)?;
            }
            ahead -= 1;
            let offset = body.offset + c.consumed() as u32;
            if let Some((value, len)) = window::value(c.rest()) {
                match value {
                    Value::LocalGet(local) => sink.local_get(env, local, None, offset)?,
                    Value::I32Const(value) => sink.constant(env, ValType::I32, value, offset)?,
                }
                c.skip(len);
                continue;
            }
            let op = reread(opcode::instr_into(&mut c, features, &mut instr))?;
            sink.instr(env, &instr, offset)?;
            if op == Op::BrTable {
                for left in (0..=instr.x).rev() {
                    let label = reread(c.u32())?;
                    sink.br_table_target(env, label, left == 0, offset)?;
                }
            }
        }
        sink.finish(env)
    }
}

/// Keeps the bodies of a module on its way in.
#[derive(Debug)]
pub struct BodyKeeper {
    slots_max: u32,
    bytes: Vec<u8>,
    bodies: Vec<Body>,
    // What follows is of the body at hand, as the translator would have it.
    offset: u32,
    locals: u32,
    begun: bool,
    reachable: bool,
    /// Blocks opened in unreachable code.
    dead_blocks: u32,
}

impl BodyKeeper {
    /// A keeper for a module whose frames have at most `slots_max` slots.
    pub fn new(slots_max: u32) -> BodyKeeper {
        BodyKeeper {
            slots_max,
            bytes: Vec::new(),
            bodies: Vec::new(),
            offset: 0,
            locals: 0,
            begun: false,
            reachable: true,
            dead_blocks: 0,
        }
    }

    /// All bodies are there.
    pub fn into_bodies(self) -> Bodies {
        Bodies { bytes: self.bytes.into_boxed_slice(), bodies: self.bodies.into_boxed_slice() }
    }

    fn check(&self, slots: u32) -> Result<(), Error> {
        if slots <= self.slots_max {
            return Ok(());
        }
        Err(Error::limit(Limit::FrameSlots, u64::from(self.slots_max)).with_offset(u64::from(self.offset)))
    }
}

impl BodySink for BodyKeeper {
    fn begin(&mut self, env: &ModuleEnv, func: u32, offset: u32) -> Result<(), Error> {
        self.bodies.push(Body { start: self.bytes.len(), offset });
        self.offset = offset;
        self.locals = env.func_type(func).map_or(0, |ty| ty.params().len() as u32);
        self.begun = false;
        self.reachable = true;
        self.dead_blocks = 0;
        Ok(())
    }

    fn locals(&mut self, _: &ModuleEnv, count: u32, _: ValType) -> Result<(), Error> {
        self.locals = self.locals.saturating_add(count);
        self.check(self.locals)
    }

    #[inline]
    fn instr(&mut self, _: &ModuleEnv, instr: &Instr, offset: u32) -> Result<(), Error> {
        self.offset = offset;
        if !self.begun {
            self.begun = true;
            self.check(self.locals)?;
        }
        match instr.op {
            Op::Unreachable | Op::Br | Op::Return | Op::ReturnCall | Op::ReturnCallIndirect
                if self.reachable =>
            {
                self.reachable = false;
            }
            Op::Block | Op::Loop | Op::If if !self.reachable => self.dead_blocks += 1,
            Op::Else if self.dead_blocks == 0 => self.reachable = true,
            Op::End if self.dead_blocks == 0 => self.reachable = true,
            Op::End => self.dead_blocks -= 1,
            _ => {}
        }
        Ok(())
    }

    #[inline]
    fn height(&mut self, height: u32) -> Result<(), Error> {
        if self.reachable { self.check(self.locals.saturating_add(height)) } else { Ok(()) }
    }

    fn br_table_target(&mut self, _: &ModuleEnv, _: u32, default: bool, _: u32) -> Result<(), Error> {
        if default {
            self.reachable = false;
        }
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn finish(&mut self, _: &ModuleEnv) -> Result<(), Error> {
        Ok(())
    }
}
