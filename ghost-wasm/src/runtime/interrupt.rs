//! Interrupts: how another thread ends a running call.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};

/// A flag with which any thread ends the calls of the stores that have it
/// ([`Store::set_interrupt`](crate::Store::set_interrupt)). Cheap to clone; clones are the same flag.
///
/// Once set, the flag stays set: each call has its own, or all calls that are to end together share one. Whether a
/// call ends by it depends on timing, so no result that has to be equal on two machines may come of such a call.
///
/// # When a store looks
/// Code that runs is not slowed down by the flag: the store looks when the engine's driver has control anyway. That
/// is at the beginning of a call, each time a slice of gas is used up, and after each call of a host function or
/// of another instance, each translation of a function, and each mebibyte that a bulk memory operator has written.
/// A slice is at most 262,144 gas (about 26 µs at 10 gas a nanosecond; ten times that for code that misses caches).
///
/// The longest stretches without a look are:
/// - a host function: it looks itself, by [`Caller::check_interrupt`](crate::Caller::check_interrupt);
/// - the translation of one body, with [`Translation::Lazy`](crate::Translation::Lazy): time that is linear in its
///   size, for a contract's largest (256 KiB) some milliseconds;
/// - `memory.grow` that moves the memory, which copies what has been written: 4 MiB for contracts, less than a
///   millisecond; with the largest memory of other profiles (4 GiB) about a second;
/// - the table operators: a table has at most 10,000 entries for contracts, 10,000,000 elsewhere (10 ms);
/// - instantiation between two segments, and the allocation of memories and tables before the first.
///
/// # Example
/// ```
/// use ghost_wasm::{Engine, ErrorCode, Instance, Interrupt, Module, Store};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = Engine::default();
/// let module = Module::new(&engine, &wat::parse_str("(module (func (export \"spin\") (loop (br 0))))")?)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let spin = instance.get_typed_func::<(), ()>(&store, "spin")?;
///
/// let interrupt = Interrupt::new();
/// store.set_interrupt(Some(interrupt.clone()));
/// let other = std::thread::spawn(move || interrupt.interrupt());
/// let error = spin.call(&mut store, ()).unwrap_err();
/// assert_eq!(error.code(), ErrorCode::Interrupted);
/// # other.join().unwrap();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    // Nothing is read on the strength of the flag, so no ordering is needed.
    flag: Arc<AtomicBool>,
}

impl Interrupt {
    /// A flag that is not set.
    pub fn new() -> Interrupt {
        Interrupt::default()
    }

    /// Sets the flag: calls of stores that have it end with [`ErrorCode::Interrupted`](crate::ErrorCode::Interrupted)
    /// at their next look, and so does each call that begins later.
    pub fn interrupt(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }

    /// Whether the flag is set.
    pub fn is_interrupted(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }
}

const _: () = {
    const fn send_sync<T: Send + Sync>() {}
    send_sync::<Interrupt>();
};
