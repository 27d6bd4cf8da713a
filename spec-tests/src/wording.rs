//! The one place where our text may differ from an assertion's: wordings that the versions of the suite
//! spell differently, or that name an index which our detail names in another way. Everything else must
//! match to the letter. `docs/conformance.md` publishes the table.

/// An assertion's text and the beginning of ours that answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wording {
    /// What the script expects.
    pub expected: &'static str,
    /// How our text begins instead.
    pub ours: &'static str,
    /// Why they differ.
    pub why: &'static str,
}

/// All differences.
pub const WORDINGS: &[Wording] = &[];

/// Whether our text answers the assertion's.
pub fn answers(expected: &str, ours: &str) -> bool {
    ours.starts_with(expected)
        || WORDINGS.iter().any(|row| row.expected == expected && ours.starts_with(row.ours))
}
