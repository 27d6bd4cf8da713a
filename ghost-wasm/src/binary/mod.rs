//! From bytes to items: the readers of the binary format. They know nothing of a module beyond the item at
//! hand, and nothing of chunks beyond "not enough bytes yet".
#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss
)]

pub mod cursor;
pub mod entry;
pub mod foreign;
pub mod instr;
pub mod leb128;
pub mod names;
pub mod opcode;
pub mod section;
pub mod utf8;
pub mod window;
