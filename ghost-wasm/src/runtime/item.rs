//! What a policy sees of a module while it streams in.

use alloc::boxed::Box;
use alloc::string::String;

use crate::types::ExternType;

/// A part of a module that an embedder may refuse, shown as soon as its last byte has arrived.
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
