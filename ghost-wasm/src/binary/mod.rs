//! The push decoder: bytes to items, wherever the chunks are cut.

pub mod instr;
