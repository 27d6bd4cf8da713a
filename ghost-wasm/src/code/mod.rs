//! The internal code: how instructions are numbered, laid out, mapped back to the module's bytes.

#[cfg(feature = "internals")]
pub mod disasm;
pub mod inst;
pub mod map;
pub mod module;
pub mod record;
