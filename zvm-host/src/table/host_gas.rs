//! What the host charges for. Unit as in the engine: 10 gas are about 1 ns on the reference machine.

use crate::diagnostics::KEPT_LEN_MAX;

/// A price: a base, and one amount of gas for each started or full unit of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// Paid on entry, before anything is checked.
    pub base: u64,
    /// Paid for each unit of the length, before the effect.
    pub per_unit: u64,
    /// Bytes of a unit.
    pub unit_len: u64,
}

impl Price {
    const fn flat(base: u64) -> Price {
        Price { base, per_unit: 0, unit_len: 1 }
    }

    const fn with(base: u64, per_unit: u64, unit_len: u64) -> Price {
        Price { base, per_unit, unit_len }
    }

    /// The part that depends on the length; a started unit counts in full.
    pub const fn by_len(&self, len: u64) -> u64 {
        // Lengths are u32 or less, prices small: no product reaches 2^64.
        len.div_ceil(self.unit_len).saturating_mul(self.per_unit)
    }
}

macro_rules! prices {
    ($($(#[$doc:meta])* $name:ident = $price:expr;)*) => {
        $($(#[$doc])* pub const $name: Price = $price;)*
        /// All rows, for the hash of the rules and the generated page.
        pub const PRICES: &[(&str, Price)] = &[$((stringify!($name), $name)),*];
    };
}

prices! {
    /// Entering the host and coming back.
    FLOOR = Price::flat(125);
    /// Copying bytes in or out.
    COPY = Price::with(125, 1, 16);
    /// Keccak-256, by its blocks; the one that holds the padding is in the base.
    KECCAK256 = Price::with(2_630, 2_310, 136);
    /// SHA-256.
    SHA256 = Price::with(300, 25, 16);
    /// BLAKE3.
    BLAKE3 = Price::with(500, 40, 16);
    /// Checking an Ed25519 signature; by length: SHA-512.
    ED25519_VERIFY = Price::with(350_000, 110, 16);
    /// Recovering the key of a secp256k1 signature.
    SECP256K1_RECOVER = Price::flat(700_000);
    /// Adding or subtracting 256-bit numbers.
    U256_ADD = Price::flat(200);
    /// Comparing them.
    U256_CMP = Price::flat(175);
    /// Multiplying them.
    U256_MUL = Price::flat(240);
    /// Dividing them: quotient or remainder.
    U256_DIV = Price::flat(550);
    /// Adding them modulo a number.
    U256_ADDMOD = Price::flat(650);
    /// Multiplying them modulo a number.
    U256_MULMOD = Price::flat(900);
    /// A power, by the bytes of its exponent.
    U256_POW = Price::with(200, 650, 1);
    /// A power modulo a number, by the bytes of its exponent.
    U256_POWMOD = Price::with(300, 9_500, 1);
    /// Looking up a key of the state, present or absent: key and value. The same however large the store is.
    READ = Price::with(12_000, 2, 16);
    /// Setting a key of the state: a look at what is there, the journal, and at the end of the block the tree and
    /// the store, be the key new or not. Growth is paid besides.
    WRITE = Price::with(30_000, 300, 16);
    /// Return data, the data of a revert, a `debug` text: bytes that the record of the call keeps.
    KEPT = Price::with(125, KEPT_BYTE + 1, 1);
    /// Looking up a transient value: it is in memory.
    TRANSIENT_READ = Price::with(1_000, 2, 16);
    /// Setting a transient value.
    TRANSIENT_WRITE = Price::with(3_000, 20, 16);
    /// Calling a contract: its account is looked up, a frame begun and ended; by length: the input. An instance
    /// and cold code are paid besides, and `CALL_VALUE` with base units.
    CALL = Price::with(16_000, 2, 16);
    /// Making a contract: its account and that of its maker are written. As with `CALL`, and besides the account's
    /// bytes.
    CREATE = Price::with(76_000, 2, 16);
    /// Giving a contract other code: its account is written. As with `CALL`.
    MIGRATE = Price::with(46_000, 2, 16);
    /// Giving a contract another administrator.
    SET_ADMIN = Price::flat(42_000);
    /// A log entry: topics and data, and in the base its address and counts.
    LOG = Price::with(570 + KEPT_BYTE * LOG_FIXED_LEN, KEPT_BYTE + 1, 1);
}

macro_rules! constants {
    ($($(#[$doc:meta])* $name:ident = $value:expr;)*) => {
        $($(#[$doc])* pub const $name: u64 = $value;)*
        /// All constants, for the hash of the rules and the generated page.
        pub const CONSTANTS: &[(&str, u64)] = &[$((stringify!($name), $name)),*];
    };
}

constants! {
    /// A signed call, before anything else. Also what a node keeps of it whatever it does: receipt, record and
    /// the node's own texts and traces, which are never priced by themselves.
    INTRINSIC = 310_000;
    /// Each byte of its envelope, which is kept with its block.
    ENVELOPE_BYTE = KEPT_BYTE;
    /// A byte that every node keeps on disk, in the record or the block of a call; it may be pruned, and is not
    /// in the tree, so it costs a third of a byte of state.
    KEPT_BYTE = 64;
    /// An instance of a module.
    INSTANCE = 20_000;
    /// Pages of memory that the price of an instance covers.
    INSTANCE_PAGES = 16;
    /// Each further page that a module's memory begins with: as much as growing by it.
    MEMORY_PAGE = 6_140;
    /// Each byte by which keys and values of the state grow.
    GROWTH_BYTE = 200;
    /// Removing a key that is there, on top of looking it up: journal, tree and store.
    REMOVE = 24_000;
    /// Entering code that is not in the hot set, besides the work of validating it: it comes into the set, and up to
    /// eight others leave it.
    COLD_BASE = 500_000;
    /// Base units that go along with `call`, `create`: two accounts are written.
    CALL_VALUE = 60_000;
    /// Each unit of the work of validating a deployed module.
    DEPLOY_WORK = 100;
}

/// Bytes of a log entry beside topics and data: address, count of topics, length of data.
const LOG_FIXED_LEN: u64 = 20 + 1 + 4;
/// Bytes of a call's header, receipt and record beside envelope, return data, logs and diagnostics at most.
const RECORD_FIXED_LEN: u64 = 700;

// No way to have a byte kept is cheaper than another.
const _: () = assert!(INTRINSIC >= KEPT_BYTE * (KEPT_LEN_MAX as u64 + RECORD_FIXED_LEN));

/// What a signed call costs before it does anything.
pub fn intrinsic(envelope_len: usize) -> u64 {
    let len = u64::try_from(envelope_len).unwrap_or(u64::MAX);
    INTRINSIC.saturating_add(ENVELOPE_BYTE.saturating_mul(len))
}

/// What an instance costs whose memory begins with this many pages.
pub fn instance(memory_pages: u32) -> u64 {
    let beyond = u64::from(memory_pages).saturating_sub(INSTANCE_PAGES);
    INSTANCE.saturating_add(MEMORY_PAGE.saturating_mul(beyond))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_prices() {
        assert_eq!(intrinsic(183), 310_000 + 64 * 183);
        for (len, gas) in [(0, 0), (1, 2_310), (136, 2_310), (137, 4_620)] {
            assert_eq!(KECCAK256.by_len(len), gas);
        }
        assert_eq!(LOG.base + LOG.by_len(10), 570 + 25 * 64 + 10 * 65);
        assert_eq!(KEPT.by_len(10), 650);
        assert_eq!(FLOOR.by_len(u64::MAX), 0);
    }
}
