//! The engine's objects: what an embedder holds. Composes the stages below.

mod bodies;
pub mod caller;
pub mod config;
pub mod context;
mod decode;
mod driver;
pub mod engine;
pub mod func;
pub mod global;
pub mod instance;
pub mod item;
mod lazy;
pub mod limiter;
pub mod linker;
pub mod memory;
pub mod module;
pub mod pool;
pub mod pre;
pub mod profile;
mod resume;
mod services;
pub mod store;
pub mod stream;
pub mod table;
pub mod typed;
mod undo;
pub mod value;
