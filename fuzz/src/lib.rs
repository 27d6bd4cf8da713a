//! What must hold for any input, one module a property. Each `check` takes raw bytes, makes of them what it
//! needs, and panics when the property does not hold; the fuzz targets, the smoke run and the tests of found
//! cases all call these.

pub mod body;
pub mod decode;
pub mod execute;
pub mod outcome;
pub mod program;
pub mod protocol;
pub mod validate;

/// A property and its name.
pub type Target = (&'static str, fn(&[u8]));

/// All properties.
pub const TARGETS: &[Target] = &[
    ("decode", decode::check),
    ("validate", validate::check),
    ("execute", execute::check),
    ("protocol", protocol::check),
];
