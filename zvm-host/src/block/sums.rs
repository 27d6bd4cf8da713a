//! Gas and fees of the calls of a block so far, as a key of the state that is gone when the block ends.

use crate::codec::{CodecError, Reader, Writer};
use crate::exec::apply::ApplyError;
use crate::state::{Journal, StoreError};

/// The key.
const KEY: &[u8] = b"\x05block";

/// Gas and fees so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockSums {
    /// Gas used.
    pub gas_used: u64,
    /// What the sealer gets.
    pub fees: u128,
}

impl BlockSums {
    /// The sums.
    pub fn of(journal: &mut Journal) -> Result<BlockSums, ApplyError> {
        match journal.read_system(KEY)? {
            None => Ok(BlockSums::default()),
            Some(bytes) => Ok(BlockSums::decode(&bytes)
                .map_err(|_| StoreError::Corrupt("the sums of the block cannot be read".into()))?),
        }
    }

    /// Adds a call.
    pub fn add(journal: &mut Journal, gas_used: u64, fee: u128) -> Result<(), ApplyError> {
        let before = BlockSums::of(journal)?;
        let sums = BlockSums {
            gas_used: before.gas_used.saturating_add(gas_used),
            fees: before.fees.saturating_add(fee),
        };
        Ok(journal.write_lasting(KEY, Some(sums.encode().into()))?)
    }

    /// Ends the block: gives the sums, which are gone.
    pub fn take(journal: &mut Journal) -> Result<BlockSums, ApplyError> {
        let sums = BlockSums::of(journal)?;
        journal.write_lasting(KEY, None)?;
        Ok(sums)
    }

    /// `gas_used u64 ‖ fees u128`.
    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(24);
        out.u64(self.gas_used).u128(self.fees);
        out.finish()
    }

    fn decode(bytes: &[u8]) -> Result<BlockSums, CodecError> {
        let mut reader = Reader::new(bytes);
        let sums = BlockSums { gas_used: reader.u64()?, fees: reader.u128()? };
        reader.end()?;
        Ok(sums)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::hex;

    #[test]
    fn golden_sums() {
        let sums = BlockSums { gas_used: 1, fees: 2 };
        assert_eq!(hex(&sums.encode()), format!("0100000000000000{}", "02".to_string() + &"00".repeat(15)));
        assert_eq!(BlockSums::decode(&sums.encode()), Ok(sums));
    }
}
