//! The values that scripts pass to functions and expect from them. Floats are bits: comparing them as
//! numbers would lose NaN payloads and the sign of zero.

/// A value handed to or returned by a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WastVal {
    /// A 32-bit integer.
    I32(i32),
    /// A 64-bit integer.
    I64(i64),
    /// The bits of a 32-bit float.
    F32(u32),
    /// The bits of a 64-bit float.
    F64(u64),
    /// A function reference: null or not. Which function it is, scripts of 2.0 cannot ask.
    FuncRef {
        /// Whether the reference is null.
        null: bool,
    },
    /// A reference of the host, or null.
    ExternRef(Option<u32>),
}
