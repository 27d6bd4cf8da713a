//! The single sources of truth, one table a file.

pub mod errors;
pub mod features;
pub mod gas;
pub mod insts;
pub mod limits;
pub mod ops;
pub mod work;
