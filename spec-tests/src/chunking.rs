//! How a module's bytes are cut before they reach the engine. Cuts are a pure function of the setting and
//! the length, so that a failing run can be repeated.

/// How the bytes of a module arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunking {
    /// All at once.
    Whole,
    /// This many bytes at a time; 0 is taken as 1.
    Bytes(usize),
    /// Pieces of 1 to 64 bytes, drawn from the seed.
    Random(u64),
}

impl Chunking {
    /// The pieces of `bytes`, in order.
    pub fn pieces<'a>(&self, bytes: &'a [u8]) -> Pieces<'a> {
        let state = match self {
            Chunking::Random(seed) => *seed,
            _ => 0,
        };
        Pieces { rest: bytes, chunking: *self, state }
    }
}

/// The pieces of a module.
#[derive(Debug)]
pub struct Pieces<'a> {
    rest: &'a [u8],
    chunking: Chunking,
    state: u64,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let length = match self.chunking {
            Chunking::Whole => self.rest.len(),
            Chunking::Bytes(length) => length.max(1),
            Chunking::Random(_) => {
                // A Weyl sequence, mixed: enough to spread the cuts, and the same everywhere.
                self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                1 + ((mixed >> 40) % 64) as usize
            }
        };
        let (piece, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chunking_yields_the_same_bytes() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1000).collect();
        for chunking in [
            Chunking::Whole,
            Chunking::Bytes(0),
            Chunking::Bytes(1),
            Chunking::Bytes(7),
            Chunking::Random(0),
            Chunking::Random(9),
        ] {
            let pieces: Vec<&[u8]> = chunking.pieces(&bytes).collect();
            assert_eq!(pieces.concat(), bytes, "{chunking:?}");
            assert!(pieces.iter().all(|piece| !piece.is_empty()), "{chunking:?}");
        }
        assert_eq!(Chunking::Whole.pieces(&bytes).count(), 1);
        assert_eq!(Chunking::Bytes(7).pieces(&bytes).count(), 143);
        assert!(Chunking::Random(1).pieces(&bytes).count() > 16);
    }
}
