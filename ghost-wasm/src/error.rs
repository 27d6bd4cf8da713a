//! The engine's error.
use alloc::boxed::Box;

/// An error.
#[derive(Debug)]
pub struct Error(#[allow(dead_code, reason = "filled in with the error table")] Box<u32>);
