//! The single sources of truth, one table a file.

pub mod features;
pub mod gas;
pub mod ops;
