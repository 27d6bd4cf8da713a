//! Execution: direct-threaded handlers over the internal code. Knows `Ctx`, frames and code; never
//! stores. One of the two places where `unsafe` is allowed.
//!
//! How control flows: the runtime's driver fills a [`ctx::Ctx`], calls [`ctx::Ctx::run`], and gets a
//! [`ctx::Exit`] back. Whatever makes a real call (host functions, growing, bulk operators) is an exit:
//! the handler saves the state, the driver does the work in safe code and runs on.
#![allow(unsafe_code)]

pub mod ctx;
pub mod dispatch;
pub mod exits;
pub mod gas;
#[cfg_attr(not(feature = "internals"), allow(dead_code, reason = "some are the oracle's alone"))]
pub mod num;
mod ops;
mod regs;
pub mod stack;
#[cfg(feature = "internals")]
pub mod step;
pub mod view;
