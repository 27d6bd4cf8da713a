//! The engine's objects: what an embedder holds. Composes the stages below.

pub mod config;
pub mod engine;
pub mod item;
pub mod module;
pub mod profile;
pub mod stream;
