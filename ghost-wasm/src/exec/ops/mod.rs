//! The handlers, by family. Each family's table lists them in the order that `code/inst.rs` numbers them:
//! rows in the order of `table/insts.rs`, within a row its variants.

pub mod along;
pub mod control;
pub mod float;
pub mod fused;
pub mod int;
pub mod memory;
pub mod moves;
pub mod step;
pub mod tail;
pub mod wide;
pub mod wide_pair;
