//! Running contracts: what becomes of a signed call (`apply`), the frames that it runs (`frames`), an instance each
//! (`instance`), and the host functions that they call. `transaction` has what the frames of a call share.

pub mod apply;
pub mod auth;
mod code;
pub mod deploy;
mod frames;
pub(crate) mod functions;
pub mod host;
pub mod instance;
pub mod policy;
pub mod transaction;

pub use frames::DEPTH_MAX;
