//! Why a proof does not hold.

use core::fmt;

/// Why a proof does not hold. None of these can come of a proof that an honest node made for this root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProofError {
    /// The bytes are not those of a proof: a wrong version or kind, cut, or more of them than there should be.
    Malformed,
    /// The proof leads to another root.
    OtherRoot,
    /// The proof is about another key, or says present where absent was claimed, or the other way round.
    OtherKey,
    /// Keys are listed twice, or not in the order of their paths.
    Unordered,
    /// The proof leaves out what the claim needs.
    TooLittle,
    /// The proof opens what the claim does not need.
    TooMuch,
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ProofError::Malformed => "the bytes are not those of a proof",
            ProofError::OtherRoot => "the proof leads to another root",
            ProofError::OtherKey => "the proof does not say this of the key",
            ProofError::Unordered => "the keys are not in the order of their paths, each once",
            ProofError::TooLittle => "the proof leaves out what the claim needs",
            ProofError::TooMuch => "the proof opens what the claim does not need",
        })
    }
}

impl core::error::Error for ProofError {}
