//! A naive WebAssembly interpreter with a naive gas meter: what the engine is compared with.
//!
//! It shares with the engine the decoder and the validator (which tell it what a module is), the table of
//! operators, the gas schedule, and the pure numerics. Everything else is its own, and as plain as the
//! specification: a store of functions, tables, memories and globals; a machine with a stack of values, of
//! labels and of frames; instantiation step by step. Wherever a choice was possible, the specification's
//! text was followed and speed was not. It is no part of the engine.
//!
//! # Gas
//! These rules are consensus. All prices come from a numbered schedule.
//!
//! 1. **The meter.** Before each operator its cost is added to the sum. If the sum would exceed the limit,
//!    everything ends with out-of-gas, and the gas used is the limit. The limit itself may be used up. An
//!    operator that traps has been charged.
//! 2. **Cost of an operator**: the price of its class, and `per_value` for each value that it statically
//!    moves. These are the label's arity for `br`, `br_if` (taken or not) and `br_table`; the function's
//!    results for `return`; the arguments for `call` and `call_indirect` (without the index). No other
//!    operator moves values in this sense.
//! 3. **The `end` of a function's body**, when it is reached, costs what `return` costs. Every other `end`
//!    and `else` costs its class, `Structure`. A branch to the function's own label costs the branch alone:
//!    the `end` is not reached.
//! 4. **`enter`** is a pseudo-operator at the start of every WebAssembly function, however it is reached
//!    (`call`, `call_indirect`, the host, `start`). It costs `enter`, and one for each `locals_per_gas`
//!    declared locals, parameters excluded, rounded down. `enter` is paid first; then the stack is checked.
//! 5. **Length-dependent operators** take four steps: pay the class; make all checks (bounds, maxima, the
//!    profile's limits), where a trap or an answer of −1 ends them; pay for the length; have their effect.
//!    Out-of-gas at the third step has no effect on memories and tables. By length cost: `memory.copy`,
//!    `.fill`, `.init` the bytes divided by `bulk_bytes_per_gas`, rounded down; `table.copy`, `.fill`,
//!    `.init`, `.grow` the entries times `table_entry`; `memory.grow` the pages times `grow_page`.
//! 6. **Instantiation** costs what the operators cost that it stands for, in this order: the initial values
//!    of globals, operator by operator, their `end` free; the items of all element segments, passive and
//!    declarative too (`ref.func` and `ref.null` as a constant, `global.get` as itself); each active element segment as its offset,
//!    two `i32.const`, `table.init` (with its length), `elem.drop`; each declarative one as `elem.drop`;
//!    each active data segment as its offset, two `i32.const`, `memory.init` (with its length),
//!    `data.drop`. The start function is then entered from the host: `enter`, but no `call`. Matching
//!    imports and making memories and tables of their initial size costs nothing.
//! 7. **Host functions** cost their own formula ([`Store::charge`]); the `call` that reaches them costs what
//!    a call costs; there is no `enter`.
//! 8. **A host function that outlives an inner call's out-of-gas** may return, but no WebAssembly goes on: its
//!    caller ends with out-of-gas, too, and every further call in the store is a mistake. That an operator or
//!    `enter` could not be paid counts, not that a host function could not pay what it asked for itself.
//!
//! # The stack
//! Two numbers are limited by the profile: the active functions by `frames`, and slots by
//! `value_stack_slots`. Beyond either is the trap "call stack exhausted".
//!
//! - Each active WebAssembly function counts one frame, and so does each active host function that
//!   WebAssembly called. A host function that the host calls counts no frame and no slots.
//! - Slots in use are the locals (with parameters) and the operands of all active functions. The arguments
//!   of a call count as the callee's parameters, no longer as the caller's operands.
//! - A WebAssembly function may be entered if the slots in use without its arguments, and those of its
//!   frame, are within the limit: its parameters, its locals and its maximal operand height. When the host
//!   enters it, there must be room for its results, too.
//! - A host function counts the larger number of its parameters and its results while it is active.
//! - The maximal operand height is taken over reachable code, after each operator but the final `end`. An
//!   operator is unreachable when it follows `unreachable`, `br`, `br_table` or `return` before the `else`
//!   or `end` of the innermost block around both; that `else` or `end` is reachable again exactly when its
//!   block was entered by reachable code.
//! - When the host calls a function, WebAssembly or its own, within `host_nesting` other such calls, that is
//!   "call stack exhausted", too. It is checked before `enter` is paid.
//!
//! # Growth
//! `memory.grow` and `table.grow` fail by the declared maximum and the profile's limits, never by the state
//! of the machine that runs this.
#![forbid(unsafe_code)]

mod code;
mod constant;
mod error;
mod exec;
mod gas;
mod height;
mod instance;
mod instantiate;
mod memory;
mod module;
mod store;
mod table;
mod value;

pub use error::{Error, Trap, TrapFrame};
pub use instantiate::Linker;
pub use memory::{Memory, PAGE_BYTES};
pub use module::{Module, ModuleStream};
pub use store::{HostFn, Store};
pub use table::Table;
pub use value::{Extern, FuncAddr, GlobalAddr, InstanceAddr, MemoryAddr, TableAddr, Val};
