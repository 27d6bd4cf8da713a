//! The single sources of truth: host functions and what they cost.

pub mod host_fns;
pub mod host_gas;
