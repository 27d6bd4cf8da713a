//! One call of one entry point in a fresh instance: the only file that knows how the engine runs code.
//!
//! An instance is as good as new: the engine brings one that was used back to its beginning, which costs what
//! was written and not what the module declares. No outcome depends on which it was.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ghost_wasm::{
    Caller, Engine, Error, ErrorCode, ErrorKind, FrameInfo, InstancePool, Interrupt, Linker, Memory,
};

use super::functions;
use super::host::{Guest, HostEnd, HostState, HostTrap};
use crate::contract::ContractModule;
use crate::diagnostics::TraceFrame;
use crate::table::host_fns::{MODULE, for_each_host_fn, row};
use crate::types::Hash;

/// Contracts of which an instance is kept for the next call. Each may hold all its memory, twice what it began
/// with at most, and its code.
const POOLS_MAX: usize = 32;
/// Instances of one contract that are kept: calls come one after the other, queries beside them.
const IDLE_MAX: usize = 2;

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

/// Makes instances; the host functions are linked once, and looked up once for each contract in use.
#[derive(Debug)]
pub struct Instances {
    linker: Linker<Data>,
    /// By code hash, the one used last in front.
    pools: Mutex<Pools>,
}

type Pools = Vec<(Hash, InstancePool<Data>)>;

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

/// An argument as its role reads it: numbers are signed, pointers, lengths and counts are not.
macro_rules! argument {
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
                |caller: Caller<'_, Data>, $($param: i32),*| -> Result<typed!($result), Error> {
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
        other => Error::host(other),
    }
}

impl Instances {
    /// Links the host functions.
    pub fn new(engine: &Engine) -> Result<Instances, Error> {
        let mut linker = Linker::new(engine);
        link(&mut linker)?;
        Ok(Instances { linker, pools: Mutex::default() })
    }

    fn pools(&self) -> MutexGuard<'_, Pools> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pool of a contract, which moves to the front.
    fn pool<'a>(
        &self,
        pools: &'a mut Pools,
        module: &ContractModule,
    ) -> Result<&'a mut InstancePool<Data>, Error> {
        let hash = module.code_hash();
        match pools.iter().position(|(of, _)| *of == hash) {
            Some(at) => pools.get_mut(..=at).unwrap_or_default().rotate_right(1),
            None => {
                let pre = self.linker.instantiate_pre(module.module())?;
                pools.truncate(POOLS_MAX - 1);
                pools.insert(0, (hash, InstancePool::new(pre, IDLE_MAX)));
            }
        }
        let front = pools.first_mut();
        front.map(|(_, pool)| pool).ok_or_else(|| Error::new(ErrorCode::Internal))
    }

    /// Runs the entry point of the frame with at most `gas`, until `interrupt` is set.
    pub fn run(&self, module: &ContractModule, mut state: HostState, gas: u64, interrupt: &Interrupt) -> Run {
        let entry = state.frame.entry.export();
        let mut pools = self.pools();
        let (mut store, pre) = match self.pool(&mut pools, module) {
            Ok(pool) => (pool.take(Data { state, memory: None }), pool.pre().clone()),
            Err(error) => return Run { end: ended(&error, &mut state), gas_used: 0, state },
        };
        drop(pools);
        store.set_gas(gas);
        store.set_interrupt(Some(interrupt.clone()));
        let returned = pre.instantiate(&mut store).and_then(|instance| {
            match instance.try_get_export(&store, entry)?.and_then(|item| item.into_func()) {
                None => Ok(None),
                Some(func) => func.typed::<(), i32>(&store)?.call(&mut store, ()).map(Some),
            }
        });
        let gas_used = store.gas_used();
        let mut pools = self.pools();
        // Another call may have put so many in front of it that it is gone.
        let pool = pools.iter_mut().find(|(of, _)| *of == module.code_hash());
        let mut state = match pool {
            Some((_, pool)) => pool.put(store),
            None => store.into_data(),
        }
        .state;
        drop(pools);
        let end = match returned {
            Ok(Some(code)) => End::Returned(code),
            Ok(None) => End::MissingEntry,
            Err(error) => ended(&error, &mut state),
        };
        Run { end, gas_used, state }
    }
}

/// Sorts the engine's error by who is to blame; only small numbers of it reach consensus.
fn ended(error: &Error, state: &mut HostState) -> End {
    let backtrace = error.backtrace();
    let (inner, outer) = backtrace.parts();
    let frames = |frames: &[FrameInfo]| frames.iter().map(trace_frame).collect();
    state.diagnostics.trace(frames(inner), backtrace.left_out(), frames(outer));
    if let Some(trap) = error.trap() {
        return End::Trapped(trap.code() as u8, error.to_string());
    }
    match (error.kind(), error.downcast_ref::<HostEnd>()) {
        (_, Some(HostEnd::Revert(code))) => End::Reverted(*code),
        (_, Some(HostEnd::Denied(text))) => End::Denied(text.clone()),
        (_, Some(HostEnd::Trap(trap, text))) => End::Trapped(*trap as u8, text.clone()),
        (_, Some(HostEnd::Fault(text))) => End::Fault(text.clone()),
        (_, Some(HostEnd::OutOfGas)) | (ErrorKind::OutOfGas, _) => End::OutOfGas,
        (ErrorKind::Interrupted, _) => End::Interrupted,
        (ErrorKind::Limit, _) => End::Trapped(HostTrap::Limit as u8, error.to_string()),
        _ => End::Fault(error.to_string()),
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
