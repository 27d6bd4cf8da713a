//! Where a chain begins: the genesis file's canonical bytes and the block made of them.

use std::fmt;

use crate::codec::{CodecError, Reader, Writer};
use crate::crypto;
use crate::envelope::GAS_LIMIT_MAX;
use crate::receipt::Header;
use crate::state::{Account, Change, Tree, account_key};
use crate::types::{Address, Hash};

/// Balances of a genesis at most.
pub const BALANCES_MAX: usize = 100_000;

/// What a chain begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// The chain's number.
    pub chain_id: u64,
    /// Unix milliseconds of block 0.
    pub timestamp: u64,
    /// Gas of a block.
    pub gas_limit: u64,
    /// Who gets the fees.
    pub sealer: Address,
    /// Balances in base units: addresses rise, none is zero.
    pub balances: Vec<(Address, u128)>,
}

/// Why a genesis is not one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GenesisError {
    /// Bytes that are not a genesis file.
    Malformed(CodecError),
    /// Addresses out of order, twice, or with nothing.
    Balances,
    /// The balances do not fit in 128 bits together.
    Supply,
    /// The block's gas is zero or above 2^62.
    GasLimit,
}

impl fmt::Display for GenesisError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GenesisError::Malformed(error) => write!(f, "malformed genesis: {error}"),
            GenesisError::Balances => {
                f.write_str("genesis balances must be in rising order of addresses, each once and not zero")
            }
            GenesisError::Supply => f.write_str("genesis balances exceed 128 bits together"),
            GenesisError::GasLimit => f.write_str("genesis gas limit must be 1 to 2^62"),
        }
    }
}

impl std::error::Error for GenesisError {}

impl Genesis {
    /// Sorts balances given in any order; those of one address are added up.
    pub fn with_balances(mut self, balances: impl IntoIterator<Item = (Address, u128)>) -> Genesis {
        let mut sums = std::collections::BTreeMap::<Address, u128>::new();
        for (address, balance) in balances {
            let sum = sums.entry(address).or_default();
            *sum = sum.saturating_add(balance);
        }
        self.balances = sums.into_iter().filter(|(_, balance)| *balance != 0).collect();
        self
    }

    /// Checks what the type does not.
    pub fn check(&self) -> Result<(), GenesisError> {
        let rising = self.balances.windows(2).all(|pair| matches!(pair, [(a, _), (b, _)] if a < b));
        if !rising || self.balances.len() > BALANCES_MAX || self.balances.iter().any(|(_, b)| *b == 0) {
            return Err(GenesisError::Balances);
        }
        let supply = self.balances.iter().try_fold(0u128, |sum, (_, balance)| sum.checked_add(*balance));
        supply.ok_or(GenesisError::Supply)?;
        if self.gas_limit == 0 || self.gas_limit > GAS_LIMIT_MAX {
            return Err(GenesisError::GasLimit);
        }
        Ok(())
    }

    /// The canonical bytes of the genesis file:
    /// `0x01 ‖ chain_id u64 ‖ timestamp u64 ‖ gas_limit u64 ‖ sealer 20 ‖ count u32 ‖ (address 20 ‖ balance u128)*`.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u8(1).u64(self.chain_id).u64(self.timestamp).u64(self.gas_limit).bytes(&self.sealer.0);
        out.u32(u32::try_from(self.balances.len()).unwrap_or(u32::MAX));
        for (address, balance) in &self.balances {
            out.bytes(&address.0).u128(*balance);
        }
        out.finish()
    }

    /// Reads canonical bytes and checks them.
    pub fn decode(bytes: &[u8]) -> Result<Genesis, GenesisError> {
        let genesis = Genesis::read(bytes).map_err(GenesisError::Malformed)?;
        genesis.check()?;
        Ok(genesis)
    }

    fn read(bytes: &[u8]) -> Result<Genesis, CodecError> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != 1 {
            return Err(CodecError::BadValue("genesis version"));
        }
        let (chain_id, timestamp, gas_limit) = (reader.u64()?, reader.u64()?, reader.u64()?);
        let sealer = Address(reader.array()?);
        let count = reader.u32()? as usize;
        if count > BALANCES_MAX {
            return Err(CodecError::TooLong("list of balances"));
        }
        let balances = (0..count)
            .map(|_| Ok((Address(reader.array()?), reader.u128()?)))
            .collect::<Result<_, CodecError>>()?;
        reader.end()?;
        Ok(Genesis { chain_id, timestamp, gas_limit, sealer, balances })
    }

    /// The values that block 0 writes.
    pub fn values(&self) -> Vec<Change> {
        let account = |balance| Account { balance, ..Account::default() };
        self.balances
            .iter()
            .map(|(address, balance)| {
                (account_key(address).into(), account(*balance).encode().map(Into::into))
            })
            .collect()
    }

    /// Block 0 under the rules with this hash.
    pub fn header(&self, profile_hash: &Hash) -> Header {
        let values = self.values();
        let tree = Tree::default().with(values.iter().map(|(key, value)| (&key[..], value.as_deref())));
        let nothing = crypto::merkle_root::<[u8; 0]>(&[]);
        Header {
            chain_id: self.chain_id,
            height: 0,
            timestamp: self.timestamp,
            parent: crypto::sha256(&self.encode()),
            pre_state_root: Tree::default().root(),
            state_root: tree.root(),
            calls_root: nothing,
            receipts_root: nothing,
            profile_hash: *profile_hash,
            gas_used: 0,
            gas_limit: self.gas_limit,
            sealer: self.sealer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::hex;

    fn genesis() -> Genesis {
        Genesis { chain_id: 1, timestamp: 2, gas_limit: 3, sealer: Address([4; 20]), balances: vec![] }
            .with_balances([(Address([6; 20]), 7), (Address([5; 20]), 1), (Address([6; 20]), 2)])
    }

    #[test]
    fn golden_genesis() {
        let word = |n: u8| format!("{n:02x}00000000000000");
        let want = [
            "01".to_string(),
            word(1),
            word(2),
            word(3),
            "04".repeat(20),
            "02000000".into(),
            "05".repeat(20),
            word(1),
            word(0),
            "06".repeat(20),
            word(9),
            word(0),
        ];
        let bytes = genesis().encode();
        assert_eq!(hex(&bytes), want.concat());
        assert_eq!(Genesis::decode(&bytes), Ok(genesis()));
        let header = genesis().header(&[9; 32]);
        assert_eq!(header.parent, crypto::sha256(&bytes));
        assert_eq!((header.height, header.pre_state_root), (0, [0; 32]));
    }

    #[test]
    fn what_is_not_a_genesis() {
        let bytes = genesis().encode();
        for len in 0..bytes.len() {
            assert!(Genesis::decode(&bytes[..len]).is_err(), "cut at {len}");
        }
        let broken = |change: fn(&mut Genesis)| {
            let mut genesis = genesis();
            change(&mut genesis);
            Genesis::decode(&genesis.encode()).unwrap_err()
        };
        assert_eq!(broken(|g| g.balances.reverse()), GenesisError::Balances);
        assert_eq!(broken(|g| g.balances[0].1 = 0), GenesisError::Balances);
        assert_eq!(broken(|g| g.balances[0].1 = u128::MAX), GenesisError::Supply);
        assert_eq!(broken(|g| g.gas_limit = 0), GenesisError::GasLimit);
        assert_eq!(broken(|g| g.gas_limit = GAS_LIMIT_MAX + 1), GenesisError::GasLimit);
    }
}
