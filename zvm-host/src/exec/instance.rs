//! One call of one entry point in a fresh instance: the only file that knows how the engine runs code.
//!
//! An instance is as good as new: the engine brings one that was used back to its beginning, which costs what
//! was written and not what the module declares. No outcome depends on which it was.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ghost_wasm::{
    Caller, Engine, Error, ErrorCode, ErrorKind, FrameInfo, InstancePool, InstancePre, Interrupt, Linker,
    Memory, Store, TypedFunc,
};

use super::functions;
use super::host::{Entry, Guest, HostEnd, HostState, HostTrap, Request};
use crate::contract::ContractModule;
use crate::diagnostics::TraceFrame;
use crate::table::host_fns::{MODULE, for_each_host_fn, row};
use crate::types::Hash;

/// Contracts of which an instance is kept for the next call: each is looked for in a list.
const POOLS_MAX: usize = 32;
/// Instances of one contract that are kept: calls come one after the other, queries beside them; and a contract
/// that may be re-entered needs some at once.
const IDLE_MAX: usize = 4;

/// How an entry point ended.
#[derive(Debug)]
pub enum End {
    /// It returned this.
    Returned(i32),
    /// `revert` was called with this code.
    Reverted(i32),
    /// Something was not allowed.
    Denied(String),
    /// There is no such entry point.
    MissingEntry,
    /// A trap: its number and what it says.
    Trapped(u8, String),
    /// The gas is gone.
    OutOfGas,
    /// The node's own trouble.
    Fault(String),
    /// The node wanted it to end.
    Interrupted,
}

/// How far a frame came.
#[derive(Debug)]
pub enum Step {
    /// It ended.
    Ended(Run),
    /// It waits for the answer to a request.
    Asked(Request, Box<Suspended>),
}

/// A frame that waits for an answer.
#[derive(Debug)]
pub struct Suspended {
    store: Store<Data>,
    func: TypedFunc<(), i32>,
    module: ContractModule,
}

impl Suspended {
    /// The host's data.
    pub fn state(&self) -> &HostState {
        &self.store.data().state
    }

    /// The host's data.
    pub fn state_mut(&mut self) -> &mut HostState {
        &mut self.store.data_mut().state
    }

    /// Gas that is left.
    pub fn gas_left(&self) -> u64 {
        self.store.gas_left()
    }

    /// Takes gas, all that is left if it does not suffice.
    pub fn charge(&mut self, gas: u64) -> Result<(), HostEnd> {
        self.store.charge(gas).map_err(|_| HostEnd::OutOfGas)
    }

    /// Gives back gas that was taken.
    pub fn refund(&mut self, gas: u64) -> Result<(), HostEnd> {
        self.store.refund(gas).map_err(|error| HostEnd::Fault(error.to_string()))
    }

    /// Copies bytes into a checked range of its memory.
    pub fn put(&mut self, range: Range<usize>, bytes: &[u8]) {
        if let Some(memory) = self.store.data().memory {
            // In the memory, as the range was checked; a memory never shrinks.
            let _ = memory.write(&mut self.store, range.start, bytes);
        }
    }
}

/// What a run leaves.
#[derive(Debug)]
pub struct Run {
    /// How it ended.
    pub end: End,
    /// Gas it took of what it was given.
    pub gas_used: u64,
    /// The host's data.
    pub state: HostState,
}

/// A store's data: the host's, and the memory that host functions read and write.
#[derive(Debug)]
struct Data {
    state: HostState,
    /// Found at the first host function; a contract always exports it.
    memory: Option<Memory>,
}

/// A store and what makes its instance.
type Taken = (Store<Data>, InstancePre<Data>);

/// Makes instances; the host functions are linked once, and looked up once for each contract in use.
#[derive(Debug)]
pub struct Instances {
    linker: Linker<Data>,
    resident_max: u64,
    pools: Mutex<Pools>,
}

/// The pools of the contracts in use.
#[derive(Debug, Default)]
struct Pools {
    /// The one used last in front.
    list: Vec<Pooled>,
    resident_bytes: u64,
}

#[derive(Debug)]
struct Pooled {
    code_hash: Hash,
    pool: InstancePool<Data>,
    /// With its module, which it keeps alive.
    resident_bytes: u64,
}

impl Pools {
    /// The pool of a contract, which moves to the front.
    fn find(&mut self, code_hash: &Hash) -> Option<&mut Pooled> {
        let at = self.list.iter().position(|pooled| pooled.code_hash == *code_hash)?;
        self.list.get_mut(..=at).unwrap_or_default().rotate_right(1);
        self.list.first_mut()
    }

    /// Counts the pool in front anew; gives those that must go, to be dropped when the lock is free again.
    fn settle(&mut self, module: &ContractModule, resident_max: u64) -> Vec<Pooled> {
        let mut dropped = Vec::new();
        if let Some(front) = self.list.first_mut() {
            let bytes = front.pool.resident_bytes().saturating_add(module.resident_bytes());
            let before = std::mem::replace(&mut front.resident_bytes, bytes);
            self.resident_bytes = self.resident_bytes.saturating_sub(before).saturating_add(bytes);
        }
        while self.resident_bytes > resident_max || self.list.len() > POOLS_MAX {
            let Some(last) = self.list.pop() else { break };
            self.resident_bytes = self.resident_bytes.saturating_sub(last.resident_bytes);
            dropped.push(last);
        }
        dropped
    }
}

macro_rules! typed {
    (none) => {
        ()
    };
    (i32) => {
        i32
    };
    (i64) => {
        i64
    };
}

/// The type of an argument in WebAssembly, and the argument as its role reads it: numbers are signed; pointers,
/// lengths, counts and gas are not.
macro_rules! argument {
    (I64) => {
        i64
    };
    ($role:ident) => {
        i32
    };
    ($value:ident, I32) => {
        $value
    };
    ($value:ident, $role:ident) => {
        $value.cast_unsigned()
    };
}

macro_rules! link {
    ($($chapter:ident $name:ident($($param:ident: $role:ident),*) -> $result:ident,
        $price:ident, $legal:ident, $since:literal, $doc:literal;)*) => {
        /// Defines every row of the table.
        fn link(linker: &mut Linker<Data>) -> Result<(), Error> {
            $(linker.func_wrap(
                MODULE,
                stringify!($name),
                |caller: Caller<'_, Data>, $($param: argument!($role)),*| -> Result<typed!($result), Error> {
                    let mut guest = Running::new(caller)?;
                    let done = guest.enter(&row::$name).and_then(|()| {
                        functions::$chapter::$name(&mut guest, $(argument!($param, $role)),*)
                    });
                    done.map_err(into_error)
                },
            )?;)*
            Ok(())
        }
    };
}
for_each_host_fn!(link);

/// A host function's end as the engine carries it: running out of gas is the engine's own.
fn into_error(end: HostEnd) -> Error {
    match end {
        HostEnd::OutOfGas => Error::new(ErrorCode::OutOfGas),
        HostEnd::Ask(request) => Error::yield_with(request),
        other => Error::host(other),
    }
}

impl Instances {
    /// Links the host functions. Idle instances take at most `resident_max` bytes.
    pub fn new(engine: &Engine, resident_max: u64) -> Result<Instances, Error> {
        let mut linker = Linker::new(engine);
        link(&mut linker)?;
        Ok(Instances { linker, resident_max, pools: Mutex::default() })
    }

    fn pools(&self) -> MutexGuard<'_, Pools> {
        // A panic between two steps leaves at worst a pool that is counted wrong until it is used.
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of memory that idle instances take, with their modules.
    pub fn resident_bytes(&self) -> u64 {
        self.pools().resident_bytes
    }

    /// A store for an instance of a contract, and how to make the instance. With `keep`, the store has a pool
    /// to go back to.
    fn take(&self, module: &ContractModule, keep: bool, data: Data) -> Result<Taken, Box<(Error, Data)>> {
        if let Some(Pooled { pool, .. }) = self.pools().find(&module.code_hash()) {
            return Ok((pool.take(data), pool.pre().clone()));
        }
        let pre = match self.linker.instantiate_pre(module.module()) {
            Ok(pre) => pre,
            Err(error) => return Err(Box::new((error, data))),
        };
        if !keep {
            return Ok((Store::new(module.module().engine(), data), pre));
        }
        let mut pool = InstancePool::new(pre.clone(), IDLE_MAX);
        let store = pool.take(data);
        let mut pools = self.pools();
        // A query of the same contract may have been quicker.
        if pools.find(&module.code_hash()).is_none() {
            pools.list.insert(0, Pooled { code_hash: module.code_hash(), pool, resident_bytes: 0 });
        }
        let _dropped = pools.settle(module, self.resident_max);
        drop(pools);
        Ok((store, pre))
    }

    /// Brings a store back to its pool, if that is there still.
    fn put(&self, module: &ContractModule, store: Store<Data>) -> Data {
        let mut pools = self.pools();
        let Some(Pooled { pool, .. }) = pools.find(&module.code_hash()) else { return store.into_data() };
        let data = pool.put(store);
        let _dropped = pools.settle(module, self.resident_max);
        drop(pools);
        data
    }

    /// Begins with the entry point of the frame, with at most `gas`, until `interrupt` is set.
    pub fn start(&self, module: &ContractModule, state: HostState, gas: u64, interrupt: &Interrupt) -> Step {
        let entry = state.frame.entry;
        // What is being deployed may never be a contract.
        let keep = entry != Entry::Init;
        let (mut store, pre) = match self.take(module, keep, Data { state, memory: None }) {
            Ok(taken) => taken,
            Err(failed) => {
                let (error, Data { mut state, .. }) = *failed;
                return Step::Ended(Run { end: ended(&error, &mut state), gas_used: 0, state });
            }
        };
        store.set_gas(gas);
        store.set_interrupt(Some(interrupt.clone()));
        store.data_mut().state.in_start = true;
        let found = pre.instantiate(&mut store).and_then(|instance| {
            let func = instance.try_get_export(&store, entry.export())?.and_then(|item| item.into_func());
            func.map(|func| func.typed::<(), i32>(&store)).transpose()
        });
        store.data_mut().state.in_start = false;
        match found {
            Ok(Some(func)) => {
                let returned = func.call(&mut store, ());
                match returned.as_ref().err().and_then(asked) {
                    Some(request) => {
                        Step::Asked(request, Box::new(Suspended { store, func, module: module.clone() }))
                    }
                    None => self.done(returned, store, module),
                }
            }
            Ok(None) => self.end(store, module, |_| End::MissingEntry),
            Err(error) => self.end(store, module, |state| ended(&error, state)),
        }
    }

    /// Goes on with a frame; `answer` is the result of the function that asked.
    pub fn resume(&self, mut suspended: Box<Suspended>, answer: i32) -> Step {
        let returned = suspended.func.resume_with(&mut suspended.store, answer);
        if let Err(error) = &returned
            && let Some(request) = asked(error)
        {
            return Step::Asked(request, suspended);
        }
        let Suspended { store, module, .. } = *suspended;
        self.done(returned, store, &module)
    }

    /// Ends a frame that waits.
    pub fn abandon(&self, suspended: Box<Suspended>, end: End) -> Run {
        let Suspended { mut store, module, .. } = *suspended;
        let gave_up = store.abandon();
        let end = gave_up.map_or_else(|error| End::Fault(error.to_string()), |()| end);
        self.leave(store, &module, |_| end)
    }

    fn done(&self, returned: Result<i32, Error>, store: Store<Data>, module: &ContractModule) -> Step {
        match returned {
            Ok(code) => self.end(store, module, |_| End::Returned(code)),
            Err(error) => self.end(store, module, |state| ended(&error, state)),
        }
    }

    fn end(
        &self,
        store: Store<Data>,
        module: &ContractModule,
        end: impl FnOnce(&mut HostState) -> End,
    ) -> Step {
        Step::Ended(self.leave(store, module, end))
    }

    fn leave(
        &self,
        store: Store<Data>,
        module: &ContractModule,
        end: impl FnOnce(&mut HostState) -> End,
    ) -> Run {
        let gas_used = store.gas_used();
        let mut state = self.put(module, store).state;
        Run { end: end(&mut state), gas_used, state }
    }
}

/// What a frame asks for, if that is why it stopped.
fn asked(error: &Error) -> Option<Request> {
    error.is_yield().then(|| error.downcast_ref::<Request>().cloned()).flatten()
}

/// Sorts the engine's error by who is to blame; only small numbers of it reach consensus.
fn ended(error: &Error, state: &mut HostState) -> End {
    let backtrace = error.backtrace();
    let (inner, outer) = backtrace.parts();
    let frames = |frames: &[FrameInfo]| frames.iter().map(trace_frame).collect();
    state.tx.diagnostics.trace(frames(inner), backtrace.left_out(), frames(outer));
    if let Some(trap) = error.trap() {
        return End::Trapped(trap.code() as u8, error.to_string());
    }
    match (error.kind(), error.downcast_ref::<HostEnd>()) {
        (_, Some(end)) => End::from(end),
        (ErrorKind::OutOfGas, _) => End::OutOfGas,
        (ErrorKind::Interrupted, _) => End::Interrupted,
        (ErrorKind::Limit, _) => End::Trapped(HostTrap::Limit as u8, error.to_string()),
        _ => End::Fault(error.to_string()),
    }
}

impl From<&HostEnd> for End {
    fn from(end: &HostEnd) -> End {
        match end {
            HostEnd::Revert(code) => End::Reverted(*code),
            HostEnd::Denied(text) => End::Denied(text.clone()),
            HostEnd::Trap(trap, text) => End::Trapped(*trap as u8, text.clone()),
            HostEnd::Fault(text) => End::Fault(text.clone()),
            HostEnd::OutOfGas => End::OutOfGas,
            HostEnd::Ask(_) => End::Fault("a frame asked where it cannot wait".into()),
        }
    }
}

fn trace_frame(frame: &FrameInfo) -> TraceFrame {
    TraceFrame {
        function: frame.func_index,
        name: frame.name.clone(),
        offset: frame.offset.map(u64::from),
        host: frame.host,
    }
}

/// An instance that called a host function.
struct Running<'a> {
    caller: Caller<'a, Data>,
    memory: Memory,
}

impl<'a> Running<'a> {
    fn new(mut caller: Caller<'a, Data>) -> Result<Running<'a>, Error> {
        let known = caller.data().memory;
        let found = known.or_else(|| caller.get_export("memory").and_then(|item| item.into_memory()));
        let memory = found.ok_or_else(|| Error::host(HostEnd::Fault("the contract has no memory".into())))?;
        caller.data_mut().memory = Some(memory);
        Ok(Running { caller, memory })
    }
}

impl Guest for Running<'_> {
    fn memory(&self) -> &[u8] {
        // The memory is of this store, so the access cannot fail; nothing is in reach if it did.
        self.memory.try_data(&self.caller).unwrap_or_default()
    }

    fn put(&mut self, range: Range<usize>, bytes: &[u8]) {
        let len = range.len().min(bytes.len());
        // In the memory, as the range was checked.
        let _ = self.memory.write(&mut self.caller, range.start, bytes.get(..len).unwrap_or_default());
    }

    fn state(&self) -> &HostState {
        &self.caller.data().state
    }

    fn state_mut(&mut self) -> &mut HostState {
        &mut self.caller.data_mut().state
    }

    fn charge(&mut self, gas: u64) -> Result<(), HostEnd> {
        self.caller.charge(gas).map_err(|_| HostEnd::OutOfGas)
    }

    fn gas_left(&self) -> u64 {
        self.caller.gas_left()
    }
}
