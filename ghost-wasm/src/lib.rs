//! A WebAssembly decoder, validator and interpreter with exact gas, fed chunk by chunk.
#![no_std]
#![deny(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod binary;
mod error;
pub mod table;
mod types;
pub mod valid;

pub use error::Error;
pub use types::{ExternType, FuncType, GlobalType, MemoryType, TableType, ValType};
