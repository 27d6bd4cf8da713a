//! Running contracts: the host functions, an instance a call, and what becomes of a signed call.

pub mod apply;
pub mod deploy;
pub(crate) mod functions;
pub mod host;
pub mod instance;
