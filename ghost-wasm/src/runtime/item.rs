//! What a policy sees of a module while it streams in.

use alloc::boxed::Box;
use alloc::string::String;

use crate::types::ExternType;

/// A part of a module that an embedder may refuse, shown as soon as its last byte has arrived.
///
/// # Example
/// ```
/// use ghost_wasm::{Engine, ErrorCode, Item, ModuleStream, Refusal};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut stream = ModuleStream::new(&Engine::default()).with_policy(|item| match item {
///     Item::Custom { name } => Err(Refusal { code: 1, text: format!("no section `{name}`") }),
///     Item::Import { .. } | Item::Export { .. } => Ok(()),
/// });
/// let error = stream.feed(&wat::parse_str("(module (func $named))")?).unwrap_err();
/// assert_eq!((error.code(), error.detail()), (ErrorCode::Refused, Some("no section `name`")));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// An import.
    Import {
        /// The module it asks for.
        module: &'a str,
        /// The name in that module.
        name: &'a str,
        /// The type it must have.
        ty: ExternType,
    },
    /// An export.
    Export {
        /// Its name.
        name: &'a str,
        /// Its type.
        ty: ExternType,
    },
    /// A custom section, when its name is known.
    Custom {
        /// Its name.
        name: &'a str,
    },
}

/// Why an embedder refuses a part of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The embedder's number.
    pub code: u32,
    /// The embedder's words.
    pub text: String,
}

/// An embedder's policy.
pub type Policy = Box<dyn FnMut(Item<'_>) -> Result<(), Refusal> + Send>;
